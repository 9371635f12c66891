// Five published servers as they are, about a hundred tools: what the gateway lists and answers is what each of them lists and
// answers to a client that is connected to it directly.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { newClient, sdk, sortedByName } from './mcp_support.mjs';

const servers = JSON.parse(process.env.LIVE_SERVERS);  // name to {command, args, env, call: [tool, arguments]}
const seconds = (count) => ({ timeout: count * 1000 });
const direct = {};
// Some results tell when they were made and how long it took.
const timeless = (content) => content.map((part) => ({
  ...part, ...(part.text && { text: part.text.replace(/"duration":\d+,"timestamp":"[^"]+"/, '') }),
}));

before(async () => {
  for (const [name, { command, args, env }] of Object.entries(servers)) {
    direct[name] = new Client({ name: 'sluice-e2e', version: '1' });
    await direct[name].connect(new StdioClientTransport({ command, args, env: { ...process.env, ...env }, stderr: 'ignore' }));
  }
}, seconds(60));

after(() => Promise.all(Object.values(direct).map((client) => client.close())));

for (const [name, connect, modern] of [['sdk 1, legacy', sdk, false], ['client 2, modern', () => newClient({ pin: '2026-07-28' }), true]]) {
  test(name, seconds(60), async (t) => {
    const client = await connect();
    t.after(() => client.close());
    const began = performance.now();
    const { tools } = await client.listTools();
    const took = performance.now() - began;
    console.log(`${Object.keys(servers).length} servers, ${tools.length} tools, listed in ${took.toFixed(0)} ms`);
    assert.ok(took < 2000);
    assert.ok(tools.length >= 90);
    assert.deepEqual(tools.map((tool) => tool.name), sortedByName(tools).map((tool) => tool.name));

    for (const [server, { call: [tool, args] }] of Object.entries(servers)) {
      await t.test(`${server} lists the same tools`, async () => {
        const own = (await direct[server].listTools()).tools.map(({ execution, ...rest }) => ({
          ...rest, ...(execution && !modern && { execution }), name: `${server}-${rest.name}`,
        }));
        const offered = new Map(tools.filter((each) => each.name.startsWith(`${server}-`)).map((each) => [each.name, each]));
        // How many tools server-everything has depends on what its client can do: the gateway may be offered more of them.
        assert.ok(server === 'everything' ? offered.size >= own.length : offered.size === own.length, `${offered.size}, ${own.length}`);
        for (const each of own) {
          assert.deepEqual(offered.get(each.name), each);
        }
      });

      await t.test(`${server}-${tool} answers the same`, async () => {
        const expected = await direct[server].callTool({ name: tool, arguments: args });
        const result = await client.callTool({ name: `${server}-${tool}`, arguments: args });
        assert.deepEqual(timeless(result.content), timeless(expected.content));
        assert.deepEqual(result.structuredContent, expected.structuredContent);
        assert.equal(result.isError ?? false, false, JSON.stringify(result));
      });
    }
  });
}
