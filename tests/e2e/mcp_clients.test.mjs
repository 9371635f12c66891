// Official MCP clients of both eras against /mcp. What they get is what a client gets that is connected to the same servers directly.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createMCPClient } from '@ai-sdk/mcp';
import { authorization, calls, clients, direct, endpoint, expected, key, newClient, offered, rejectsWith, sdk, sortedByName } from
  './mcp_support.mjs';

const seconds = (count) => ({ timeout: count * 1000 });
let servers;

before(async () => {
  servers = await direct();
}, seconds(20));

after(async () => {
  await Promise.all(Object.values(servers).map((client) => client.close()));
});

for (const { name, connect, modern, call } of clients) {
  test(name, seconds(40), async (t) => {
    const client = await connect();
    t.after(() => client.close());

    await t.test('ends in its era', () => {
      const version = modern || client.getNegotiatedProtocolVersion ? client.getNegotiatedProtocolVersion()
        : client.transport.protocolVersion;
      assert.equal(version, modern ? '2026-07-28' : '2025-11-25');
      assert.equal(client.getServerVersion().name, 'sluice');
    });

    await t.test('lists the tools of every server as the server itself does, by name', async () => {
      const direct = await Promise.all(Object.entries(servers).map(([server, own]) => offered(server, own, modern)));

      const { tools } = await client.listTools();

      assert.deepEqual(tools, sortedByName(direct.flat()));
      assert.ok(tools.some((tool) => tool.outputSchema), 'one of them says what it answers');
    });

    for (const [server, tool, args] of calls) {
      await t.test(`${server}-${tool} answers what the server answers`, async () => {
        const own = await servers[server].callTool({ name: tool, arguments: args });

        const result = await call(client, { name: `${server}-${tool}`, arguments: args });

        assert.deepEqual(result, expected(own, modern));
        assert.equal(result.isError ?? false, args.path === '/etc/hostname');
      });
    }

    await t.test('is told of progress as it happens', async () => {
      const told = [];
      const onprogress = (progress) => told.push({ ...progress, at: performance.now() });

      const result = await call(client, { name: 'everything-trigger-long-running-operation', arguments: { duration: 0.8, steps: 4 } },
        { onprogress });

      const end = performance.now();
      assert.deepEqual(told.map(({ progress, total }) => [progress, total]), [[1, 4], [2, 4], [3, 4], [4, 4]]);
      assert.ok(end - told[0].at > 400, `the first came ${end - told[0].at} ms before the result`);
      assert.match(result.content[0].text, /completed/);
      assert.equal(told.length, 4, 'none after the result');
    });

    await t.test('learns from a result what is wrong with arguments', async () => {
      const result = await call(client, { name: 'everything-get-sum', arguments: { a: 'one', b: 2 } });

      assert.equal(result.isError, true);
      assert.match(result.content[0].text, /"\/a".*number/);
    });

    await t.test('is refused a tool that is not there', async () => {
      await rejectsWith(call(client, { name: 'everything-none', arguments: {} }), { code: -32602 });
    });
  });
}

test('clients whose request ids and progress tokens collide get their own answers', seconds(40), async (t) => {
  const crowd = await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 ? newClient({ pin: '2026-07-28' }) : sdk())));
  t.after(() => Promise.all(crowd.map((client) => client.close())));

  await Promise.all(crowd.flatMap((client, i) => Array.from({ length: 10 }, async (_, k) => {
    for (let turn = 0; turn < 5; turn += 1) {  // 100 calls at a time: more than a few hundred would be turned away
      const message = `canary ${i} ${k} ${turn}`;
      const result = await client.callTool({ name: 'everything-echo', arguments: { message } });
      assert.equal(result.content[0].text, `Echo: ${message}`);
    }
  })));
  await Promise.all(crowd.filter((_, i) => i % 2 === 0).map(async (client, i) => {
    const totals = [];
    await client.callTool({ name: 'everything-trigger-long-running-operation', arguments: { duration: 0.3, steps: i + 2 } }, undefined,
      { onprogress: ({ total }) => totals.push(total) });
    assert.deepEqual(totals, Array(i + 2).fill(i + 2));
  }));
});

test('a session ends when its client says so, and is nobody else\'s', seconds(20), async (t) => {
  const client = await sdk();
  const session = client.transport.sessionId;
  const resumed = async (own) => {
    const other = await sdk({ sessionId: session, requestInit: authorization(own) });
    t.after(() => other.close());
    return other.listTools();
  };
  assert.ok((await resumed(key)).tools.length > 0, 'its own key goes on with it');
  await rejectsWith(resumed(process.env.OTHER_KEY), { code: 404 });
  assert.ok((await client.listTools()).tools.length > 0, 'the stranger did not end it');

  await client.transport.terminateSession();

  await rejectsWith(resumed(key), { code: 404 });
  await client.close();
});

test('the AI SDK opens modern and calls a tool', seconds(20), async (t) => {
  const client = await createMCPClient({ transport: { type: 'http', url: endpoint.href, ...authorization() } });
  t.after(() => client.close());
  const direct = await Promise.all(Object.entries(servers).map(([server, own]) => offered(server, own, true)));

  const tools = await client.tools();
  const result = await tools['everything-echo'].execute({ message: 'by the AI SDK' }, { toolCallId: 'call_1', messages: [] });

  assert.deepEqual(Object.keys(tools).sort(), direct.flat().map((tool) => tool.name).sort());
  assert.deepEqual(result.content, [{ type: 'text', text: 'Echo: by the AI SDK' }]);
  assert.equal(result.resultType, 'complete', 'as the modern era has it');
});
