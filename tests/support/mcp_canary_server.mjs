// An MCP server whose answers carry what their calls carried, after random times and so in any order: over Streamable HTTP (its first
// line of output is its port; calls go to /mcp), or with --stdio over its standard streams. Legacy era. Each tools/call adds one line to
// the ledger file before it is answered: {"tool", "canary"}.
// Usage: node mcp_canary_server.mjs LEDGER [--stdio]
//
// Tools, each with {canary, delay_ms, pad, steps}: echo and write answer the canary and pad dots after delay_ms, and tell the canary in
// steps notifications of progress before. swapped waits for a second call of it and gives either the other's canary: the planted
// failure.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const [ledger, how] = process.argv.slice(2);
const properties = { canary: { type: 'string' }, ...Object.fromEntries(['delay_ms', 'pad', 'steps'].map((n) => [n, { type: 'integer' }])) };
const inputSchema = { type: 'object', properties, required: Object.keys(properties) };
const tools = ['echo', 'write', 'swapped'].map((name) => ({ name, description: name, inputSchema }));
let waiting;  // of swapped: takes the canary of the next call and gives its own

function swap(canary) {
  if (!waiting) {
    return new Promise((resolve) => { waiting = (other) => { resolve(other); return canary; }; });
  }
  const exchange = waiting;
  waiting = undefined;
  return exchange(canary);
}

async function call({ name, arguments: { canary, delay_ms: delay, pad, steps }, _meta: meta }, tell) {
  appendFileSync(ledger, `${JSON.stringify({ tool: name, canary })}\n`);
  const progressToken = meta?.progressToken;
  for (let step = 1; step <= steps && progressToken !== undefined; step += 1) {
    await sleep(delay / (steps + 1));
    tell({ jsonrpc: '2.0', method: 'notifications/progress',
      params: { progressToken, progress: step, total: steps, message: canary } });
  }
  await sleep(delay / (steps + 1));
  const answered = name === 'swapped' ? await swap(canary) : canary;
  return { content: [{ type: 'text', text: answered + '.'.repeat(pad) }] };
}

// The answer to a request; undefined for what needs none.
async function answer(message, tell) {
  if (message.id === undefined) {
    return undefined;
  }
  const results = {
    initialize: ({ protocolVersion }) => ({ protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'canary', version: '1' } }),
    ping: () => ({}),
    'tools/list': () => ({ tools }),
    'tools/call': (params) => call(params, tell),
  };
  const own = results[message.method];
  return { jsonrpc: '2.0', id: message.id,
    ...(own ? { result: await own(message.params) } : { error: { code: -32601, message: 'no such method' } }) };
}

function serveStdio() {
  const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const reply = await answer(JSON.parse(line), tell);
    if (reply) {
      tell(reply);
    }
  });
}

async function post(request, response) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  const tell = (message) => {
    if (!response.headersSent) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
    }
    response.write(`data: ${JSON.stringify(message)}\n\n`);
  };
  const reply = await answer(JSON.parse(Buffer.concat(parts)), tell);
  if (!reply) {
    response.writeHead(202).end();
  } else if (response.headersSent) {
    tell(reply);
    response.end();
  } else {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(reply));
  }
}

function serveHttp() {
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      post(request, response).catch(() => response.destroy());
    } else {
      response.writeHead(405).end();
    }
  });
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
}

if (how === '--stdio') {
  serveStdio();
} else {
  serveHttp();
}
