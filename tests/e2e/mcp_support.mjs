// What the tests of /mcp share: official clients connected through Sluice and straight to the servers behind it, and the calls made
// both ways.
import assert from 'node:assert/strict';
import { Client as ModernClient, StreamableHTTPClientTransport as ModernTransport } from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

export const endpoint = new URL(`${process.env.SLUICE_URL}/mcp`);
export const key = process.env.SLUICE_KEY;
export const authorization = (own = key) => ({ headers: { authorization: `Bearer ${own}` } });
const folder = process.env.SLUICE_DEMO_FOLDER;
const identity = { name: 'sluice-e2e', version: '1' };
const packages = new URL('node_modules/@modelcontextprotocol/', import.meta.url).pathname;
const gatewayInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'sluice', title: 'Sluice', version: '1' } };

async function connected(client, transport) {
  await client.connect(transport);
  return client;
}

export const sdk = (options = {}) =>
  connected(new Client(identity), new StreamableHTTPClientTransport(endpoint, { requestInit: authorization(), ...options }));

export const newClient = (mode) =>
  connected(new ModernClient(identity, mode && { versionNegotiation: { mode } }),
    new ModernTransport(endpoint, { requestInit: authorization() }));

// Every official client, and whether it ends in the modern era.
export const clients = [
  { name: 'sdk 1, legacy', connect: sdk, modern: false, call: (client, call, options) => client.callTool(call, undefined, options) },
  ...[['default', undefined, false], ['auto', 'auto', true], ['pinned', { pin: '2026-07-28' }, true]].map(([name, mode, modern]) => ({
    name: `client 2, ${name}`, connect: () => newClient(mode), modern, call: (client, call, options) => client.callTool(call, options),
  })),
];

// Connections without Sluice, by the name Sluice has for the server. They declare what Sluice declares: servers list by it.
const declared = { capabilities: { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } } };
export async function direct() {
  const stdio = (...args) => connected(new Client(identity, declared),
    new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
  return {
    everything: await stdio(`${packages}server-everything/dist/index.js`, 'stdio'),
    filesystem: await stdio(`${packages}server-filesystem/dist/index.js`, folder),
    web: await connected(new Client(identity, declared), new StreamableHTTPClientTransport(new URL(process.env.WEB_SERVER_URL))),
  };
}

// Each has the same result however often it is made.
export const calls = [
  ['everything', 'echo', { message: 'sluice gate 7: "ü" \\ \u2028 𝄞 </script>' }],
  ['everything', 'get-sum', { a: 0.1, b: 1e21 }],
  ['everything', 'get-structured-content', { location: 'Chicago' }],
  ['everything', 'get-tiny-image', {}],
  ['everything', 'get-annotated-message', { messageType: 'error', includeImage: true }],
  ['everything', 'get-resource-links', { count: 3 }],
  ['web', 'get-structured-content', { location: 'New York' }],
  ['filesystem', 'read_text_file', { path: `${folder}/hello.txt` }],
  ['filesystem', 'list_directory', { path: folder }],
  ['filesystem', 'read_text_file', { path: '/etc/hostname' }],  // outside: isError
];

// What a client makes of a server's own answer when it came through Sluice: the modern era adds who answered.
export function expected(result, modern) {
  return modern ? { ...result, _meta: { ...result._meta, ...gatewayInfo } } : result;
}

// tools/list of a server as Sluice offers it. The modern era has no `execution`.
export async function offered(server, client, modern) {
  const { tools } = await client.listTools();
  return tools.map(({ execution, ...tool }) => ({
    ...tool, ...(execution && !modern && { execution }), name: `${server}-${tool.name}`,
  }));
}

export function sortedByName(tools) {
  return [...tools].sort((a, b) => (a.name < b.name ? -1 : 1));
}

export async function rejectsWith(promise, properties) {
  await assert.rejects(promise, (error) => {
    assert.deepEqual(Object.fromEntries(Object.keys(properties).map((name) => [name, error[name]])), properties, error.message);
    return true;
  });
}
