// Official clients that come to /mcp with tokens of an authorization server, at virtual servers, and over the legacy transport.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMCPClient } from '@ai-sdk/mcp';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Events, OAuth2Server } from 'oauth2-mock-server';

const base = process.env.SLUICE_URL;
const audience = `${base}/mcp`;
const key = process.env.SLUICE_KEY;
const identity = { name: 'sluice-e2e', version: '1' };
const server = new OAuth2Server();
const bearer = (token) => ({ requestInit: { headers: { authorization: `Bearer ${token}` } } });
const names = async (client) => (await client.listTools()).tools.map((tool) => tool.name);
const text = (result) => result.content[0].text;

before(async () => {
  for (const algorithm of ['RS256', 'ES256', 'EdDSA']) await server.issuer.keys.generate(algorithm);
  const issuer = new URL(process.env.ISSUER);
  await server.start(Number(issuer.port), issuer.hostname);
  server.issuer.url = issuer.origin;
});
after(() => server.stop());

const token = (claims = {}, kid = undefined) => server.issuer.buildToken({
  kid, expiresIn: 300,
  scopesOrTransform: (header, payload) => Object.assign(payload, { aud: audience, sub: 'ada', scope: 'sluice:use', ...claims }),
});

async function connect(options, path = '/mcp') {
  const client = new Client(identity);
  await client.connect(new StreamableHTTPClientTransport(new URL(base + path), options));
  return client;
}

const post = (path, headers = {}, body = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: identity } }) =>
  fetch(base + path, {
    method: 'POST', body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
  });

test('a token of each algorithm lists and calls, in both eras', async () => {
  for (const { kid, alg } of server.issuer.keys.toJSON()) {
    const client = await connect(bearer(await token({}, kid)));
    assert.ok((await names(client)).includes('web-echo'), alg);
    assert.equal(text(await client.callTool({ name: 'web-echo', arguments: { text: `by ${alg}` } })), `by ${alg}`);
    await client.close();
  }
  const modern = new ModernClient(identity, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await modern.connect(new ModernTransport(new URL(audience), bearer(await token())));
  assert.equal(text(await modern.callTool({ name: 'web-echo', arguments: { text: 'modern' } })), 'modern');
  await modern.close();
});

test('an OAuth client finds its way from a 401 to a token', async () => {
  let code;
  let saved;
  let verifier;
  const provider = {
    redirectUrl: 'http://127.0.0.1:9/callback',
    clientMetadata: { redirect_uris: ['http://127.0.0.1:9/callback'], client_name: 'e2e' },
    clientInformation: () => ({ client_id: 'e2e' }),
    tokens: () => saved,
    saveTokens: (tokens) => { saved = tokens; },
    saveCodeVerifier: (value) => { verifier = value; },
    codeVerifier: () => verifier,
    redirectToAuthorization: async (url) => {
      assert.equal(url.origin, process.env.ISSUER);
      assert.equal(url.searchParams.get('resource'), audience);
      assert.equal(url.searchParams.get('scope'), 'sluice:use');
      const answer = await fetch(url, { redirect: 'manual' });
      code = new URL(answer.headers.get('location')).searchParams.get('code');
    },
  };
  server.service.on(Events.BeforeTokenSigning, ({ payload }, request) =>
    Object.assign(payload, { aud: request.body.resource ?? 'nobody', sub: 'ada', scope: 'sluice:use' }));
  const first = new StreamableHTTPClientTransport(new URL(audience), { authProvider: provider });
  await assert.rejects(new Client(identity).connect(first), /Unauthorized/);
  await first.finishAuth(code);
  server.service.removeAllListeners(Events.BeforeTokenSigning);

  const client = await connect({ authProvider: provider });
  assert.equal(text(await client.callTool({ name: 'web-echo', arguments: { text: 'hello' } })), 'hello');
  await client.close();
});

test('tokens that are no good are refused with the way to a good one', async () => {
  const now = Math.floor(Date.now() / 1000);
  const whole = await token();
  const stranger = new OAuth2Server();
  await stranger.issuer.keys.generate('RS256');
  stranger.issuer.url = process.env.ISSUER;
  const bad = {
    'another audience': await token({ aud: `${base}/other` }),
    'no audience': await token({ aud: undefined }),
    'expired': await token({ exp: now - 60 }),
    'not yet': await token({ nbf: now + 600 }),
    'another issuer': await token({ iss: 'https://evil.example' }),
    'another key': await stranger.issuer.buildToken({ scopesOrTransform: (header, payload) => Object.assign(payload, { aud: audience, sub: 'ada', scope: 'sluice:use' }) }),
    'truncated': whole.slice(0, -5),
    'unsigned': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${whole.split('.')[1]}.`,
  };
  for (const [why, value] of Object.entries(bad)) {
    const answer = await post('/mcp', { authorization: `Bearer ${value}` });
    assert.equal(answer.status, 401, why);
    assert.equal(answer.headers.get('www-authenticate'),
      `Bearer error="invalid_token", resource_metadata="${base}/.well-known/oauth-protected-resource/mcp", scope="sluice:use"`, why);
  }
  assert.equal((await post('/mcp', { authorization: `Bearer ${whole}` })).status, 200);
  assert.equal((await post('/mcp', { 'x-api-key': whole })).status, 401, 'only from Authorization');
  assert.equal((await post(`/mcp?access_token=${whole}`)).status, 401, 'never from the query');
});

test('a token with too few scopes is told which', async () => {
  const answer = await post('/mcp', { authorization: `Bearer ${await token({ scope: 'openid' })}` });
  assert.equal(answer.status, 403);
  assert.match(answer.headers.get('www-authenticate'),
    /^Bearer error="insufficient_scope", resource_metadata="[^"]+\/mcp", scope="sluice:use"$/);
  const admin = await fetch(`${base}/api/mcp/clients`, { headers: { authorization: `Bearer ${await token()}` } });
  assert.equal(admin.status, 403);
  const allowed = await fetch(`${base}/api/mcp/clients`, { headers: { authorization: `Bearer ${await token({ scope: 'sluice:admin' })}` } });
  assert.equal(allowed.status, 200);
});

test('a virtual server has its part only, and headers do not widen it', async () => {
  const dev = await connect(bearer(key), '/mcp/dev');
  const tools = await names(dev);
  assert.ok(tools.includes('everything-echo') && tools.includes('filesystem-read_text_file'));
  assert.ok(tools.every((name) => name === 'everything-echo' || name.startsWith('filesystem-')), tools.join());
  assert.equal(text(await dev.callTool({ name: 'everything-echo', arguments: { message: 'dev' } })), 'Echo: dev');
  const other = await dev.callTool({ name: 'everything-get-sum', arguments: { a: 1, b: 2 } }).catch((error) => ({ isError: error }));
  assert.ok(other.isError);
  assert.ok((await dev.listResources()).resources.length > 0, 'resources of the server named');

  const headers = { authorization: `Bearer ${key}`, 'x-sluice-include-tools': '*', 'x-sluice-include-servers': '*' };
  const wide = await connect({ requestInit: { headers } }, '/mcp/dev');
  assert.deepEqual(await names(wide), tools);
  const files = await connect(bearer(key), '/mcp/files');
  assert.ok((await names(files)).every((name) => name.startsWith('filesystem-')));
  assert.deepEqual((await files.listResources()).resources, []);

  const session = { authorization: `Bearer ${key}`, 'mcp-session-id': dev.transport.sessionId };
  const list = { jsonrpc: '2.0', id: 2, method: 'tools/list' };
  assert.equal((await post('/mcp/dev', session, list)).status, 200);
  assert.equal((await post('/mcp', session, list)).status, 404);
  assert.equal((await post('/mcp/files', session, list)).status, 404);
  for (const client of [dev, wide, files]) await client.close();
});

for (const [name, credential] of [['a key', () => key], ['a token', () => token()]]) {
  test(`the legacy transport of the SDK lists and calls with ${name}`, async () => {
    const client = new Client(identity);
    const options = bearer(await credential());
    await client.connect(new SSEClientTransport(new URL(`${base}/sse`), options));
    assert.ok((await names(client)).includes('web-echo'));
    const answers = await Promise.all([...Array(20).keys()].map((i) =>
      client.callTool({ name: 'web-echo', arguments: { text: `no ${i}` } })));
    assert.deepEqual(answers.map(text), [...Array(20).keys()].map((i) => `no ${i}`));
    const steps = [];
    await client.callTool({ name: 'everything-trigger-long-running-operation', arguments: { duration: 1, steps: 4 } }, undefined,
      { onprogress: ({ progress }) => steps.push(progress) });
    assert.deepEqual(steps.slice(0, 3), [1, 2, 3]);  // the SDK may drop one that comes together with the answer
    await assert.rejects(client.callTool({ name: 'nothing', arguments: {} }));
    await client.close();
  });
}

for (const [name, transport] of [['/mcp', () => new StreamableHTTPClientTransport(new URL(audience), bearer(key))],
  ['/sse', () => new SSEClientTransport(new URL(`${base}/sse`), bearer(key))]]) {
  test(`a server may ask a client of ${name}`, async () => {
    const client = new Client(identity, { capabilities: { sampling: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () =>
      ({ model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } }));
    await client.connect(transport());
    const result = await client.callTool({ name: 'everything-trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } })
      .finally(() => client.close());
    assert.match(JSON.stringify(result.content), /sampled/);
  });
}

test('the AI SDK lists and calls over the legacy transport', async () => {
  const client = await createMCPClient({ transport: { type: 'sse', url: `${base}/sse`, headers: { authorization: `Bearer ${key}` } } });
  const tools = await client.tools();
  const result = await tools['web-echo'].execute({ text: 'ai' }, { toolCallId: '1', messages: [] });
  assert.equal(text(result), 'ai');
  await client.close();
});

test('the legacy transport asks for the key of the stream at every post', async () => {
  const stream = await fetch(`${base}/sse`, { headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' } });
  const reader = stream.body.getReader();
  const first = new TextDecoder().decode((await reader.read()).value);
  const path = first.match(/^event: endpoint\ndata: (\/sse\/message\?session=[0-9a-f]{32})\n\n/)[1];
  assert.equal((await post(path)).status, 401);
  assert.equal((await post(path, { authorization: `Bearer ${await token()}` })).status, 404);
  assert.equal((await post('/sse/message?session=00', { authorization: `Bearer ${key}` })).status, 404);
  assert.equal((await post(path, { authorization: `Bearer ${key}` })).status, 202);
  await reader.cancel();
});
