// A small MCP client over Streamable HTTP, of the modern era or a legacy one: requests with their answers, and what a server asks in the
// middle of them. It accepts every question, with the defaults of its form.
const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
const ROUNDS_MAX = 5;  // of questions to one request
const identity = { name: 'conformance-driver', version: '1' };
const capabilities = { elicitation: { form: {} }, sampling: {}, roots: {} };
const NAMED_BY = { 'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri' };

const encoded = (value) => {
  const text = String(value);
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?.*\?=$/.test(text) || text === ''
    ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
};

// What Mcp-Param-* headers say of the arguments of a tool.
function parameterHeaders(tool, args) {
  const marked = Object.entries(tool?.inputSchema.properties ?? {}).filter(([key, schema]) =>
    schema['x-mcp-header'] && args[key] !== undefined && args[key] !== null);
  return Object.fromEntries(marked.map(([key, schema]) => [`mcp-param-${schema['x-mcp-header']}`, encoded(args[key])]));
}

function answerTo({ method, params }) {
  if (method === 'elicitation/create') {
    const fields = Object.entries(params.requestedSchema?.properties ?? {});
    const given = ([key, schema]) => [key, schema.default ?? { boolean: true, integer: 1, number: 1 }[schema.type] ?? 'a'];
    return { action: 'accept', content: Object.fromEntries(fields.map(given)) };
  }
  if (method === 'sampling/createMessage') {
    return { role: 'assistant', content: { type: 'text', text: 'A word.' }, model: 'none', stopReason: 'endTurn' };
  }
  return method === 'roots/list' ? { roots: [] } : {};
}

// The messages of an answer, whether it is JSON or a stream of events.
async function* messages(response) {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const text = await response.text();
    if (text) yield JSON.parse(text);
    return;
  }
  let rest = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop();
    for (const event of events) {
      const data = event.split('\n').filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n');
      if (data) yield JSON.parse(data);
    }
  }
}

export class McpClient {
  constructor({ url, key, server, version }) {
    this.url = url;
    this.modern = version === MODERN;
    this.version = version;
    this.last = 0;
    this.headers = {
      authorization: `Bearer ${key}`, 'content-type': 'application/json', accept: 'application/json, text/event-stream',
      'x-sluice-include-servers': server,
    };
  }

  async open() {
    if (this.modern) return;
    await this.request('initialize', { protocolVersion: this.version, capabilities, clientInfo: identity });
    this.headers['mcp-protocol-version'] = this.version;
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  async close() {
    if (!this.modern) await fetch(this.url, { method: 'DELETE', headers: this.headers });
  }

  async post(body, more = {}) {
    const response = await fetch(this.url, { method: 'POST', headers: { ...this.headers, ...more }, body: JSON.stringify(body) });
    const session = response.headers.get('mcp-session-id');
    if (session) this.headers['mcp-session-id'] = session;
    return response;
  }

  // {result} or {error}, after everything asked in between was answered.
  async request(method, params, tool) {
    let answers = {};
    for (let round = 0; round <= ROUNDS_MAX; round += 1) {
      const answer = await this.once(method, { ...params, ...answers }, tool);
      const { resultType, inputRequests = {}, requestState } = answer.result ?? {};
      if (resultType !== 'input_required') return answer;
      const responses = Object.entries(inputRequests).map(([key, question]) => [key, answerTo(question)]);
      answers = { inputResponses: Object.fromEntries(responses), ...(requestState !== undefined && { requestState }) };
    }
    return { error: { message: `asked more than ${ROUNDS_MAX} times` } };
  }

  async once(method, params, tool) {
    const id = this.last += 1;
    const response = await this.post({ jsonrpc: '2.0', id, method, params: this.modern ? { ...params, _meta: this.meta() } : params },
      this.modern ? this.modernHeaders(method, params, tool) : {});
    for await (const message of messages(response)) {
      if (message.id === id && !message.method) return message;
      if (message.id !== undefined && message.method) await this.post({ jsonrpc: '2.0', id: message.id, result: answerTo(message) });
    }
    return { error: { message: `no answer, status ${response.status}` } };
  }

  meta() {
    return { [`${META}protocolVersion`]: this.version, [`${META}clientInfo`]: identity, [`${META}clientCapabilities`]: capabilities };
  }

  modernHeaders(method, params, tool) {
    const named = NAMED_BY[method];
    return {
      'mcp-protocol-version': this.version, 'mcp-method': method, ...(named && { 'mcp-name': encoded(params[named]) }),
      ...parameterHeaders(tool, params.arguments ?? {}),
    };
  }
}
