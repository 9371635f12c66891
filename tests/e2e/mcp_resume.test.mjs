// Legacy clients whose connection is cut in the middle of a call: they go on with it at another replica of ingress.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { authorization } from './mcp_support.mjs';

const identity = { name: 'sluice-e2e', version: '1' };
const replicas = [process.env.SLUICE_URL, process.env.SLUICE_URL_2].map((url) => Number(new URL(url).port));
const REST_MS = 1500;
const TEST = { timeout: 20_000 };

// What stands before the replicas: it leads to one of them, and cuts every connection when it leads to another.
async function gate() {
  let port = replicas[0];
  const sockets = new Set();
  const server = createServer((incoming) => {
    const outgoing = connect(port, '127.0.0.1');
    for (const [socket, other] of [[incoming, outgoing], [outgoing, incoming]]) {
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => { sockets.delete(socket); other.destroy(); });
      socket.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => sockets.forEach((socket) => socket.resetAndDestroy());
  return {
    url: new URL(`http://127.0.0.1:${server.address().port}/mcp`),
    leadTo: (index) => { port = replicas[index]; cut(); },
    close: () => { cut(); server.close(); },
  };
}

async function connected(url, options) {
  const client = new Client(identity);
  const transport = new StreamableHTTPClientTransport(url, { requestInit: authorization(), ...options });
  client.onerror = () => {};  // of connections that are cut
  await client.connect(transport);
  return { client, transport };
}

const rest = (client, server, name, options) =>
  client.callTool({ name: `${server}-rest`, arguments: { name, ms: REST_MS } }, undefined, options);
const rested = [{ type: 'text', text: 'rested 1 time(s)' }];

for (const server of ['old', 'new']) {
  test(`a call of server ${server} whose connection is cut is answered by another replica`, TEST, async (t) => {
    const way = await gate();
    const { client } = await connected(way.url);
    t.after(async () => { await client.close(); way.close(); });
    const tokens = [];

    const { content } = await rest(client, server, `cut ${server}`, {
      onprogress: () => way.leadTo(1), onresumptiontoken: (token) => tokens.push(token),
    });

    assert.deepEqual(content, rested);
    assert.equal(new Set(tokens).size, 3, 'of the beginning, the progress and the answer');
  });
}

test('a quiet call is resumed by a client that was started anew', TEST, async (t) => {
  const [first, second] = await Promise.all([gate(), gate()]);
  second.leadTo(1);
  const before = await connected(first.url, { reconnectionOptions: { maxRetries: 0 } });
  const token = await new Promise((resolve, reject) => {
    rest(before.client, 'old', 'anew', { onresumptiontoken: resolve }).catch(reject);
  });
  first.close();
  const after = await connected(second.url, { sessionId: before.transport.sessionId });
  t.after(async () => { await after.client.close(); second.close(); });

  const { content } = await rest(after.client, 'old', 'anew', { resumptionToken: token });

  assert.deepEqual(content, rested);
});
