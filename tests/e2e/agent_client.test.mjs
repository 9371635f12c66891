// Agent mode through the official openai package: reads run by themselves, a write comes back, is executed, and the chat goes on
// from the transcript. The tools are those of a real filesystem server.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import test from 'node:test';
import OpenAI from 'openai';

const url = process.env.SLUICE_URL;
const key = process.env.SLUICE_KEY;
const folder = process.env.SLUICE_DEMO_FOLDER;
const text = process.env.SLUICE_DEMO_TEXT;
const tools = ['read_file', 'list_directory', 'write_file'].map((name) => `filesystem-${name}`).join();
const client = new OpenAI({
  baseURL: `${url}/v1`, apiKey: key, maxRetries: 0, defaultHeaders: { 'x-sluice-include-tools': tools },
});
const model = 'demo/assistant';
const user = (content) => [{ role: 'user', content }];

async function execute(call, chain) {
  const response = await fetch(`${url}/v1/mcp/tool/execute`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(call),
  });
  assert.equal(response.status, 200, await response.clone().text());
  if (chain) {
    assert.equal(response.headers.get('x-sluice-chain'), chain);
  }
  return response.json();
}

async function ask(messages, streaming, options = {}) {
  if (!streaming) {
    const { data, response } = await client.chat.completions.create({ model, messages, ...options }).withResponse();
    return { answer: data, chain: response.headers.get('x-sluice-chain') };
  }
  const runner = client.chat.completions.stream({
    model, messages, stream_options: { include_usage: true }, ...options,
  });
  return { answer: await runner.finalChatCompletion() };
}

for (const streaming of [false, true]) {
  const how = streaming ? 'streamed' : 'plain';

  test(`reads run by themselves in two rounds, ${how}`, async () => {
    const { answer } = await ask(user(`List ${folder}, then read ${folder}/hello.txt`), streaming);

    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.ok(answer.choices[0].message.content.includes(text), answer.choices[0].message.content);
    assert.ok(!answer.choices[0].message.tool_calls?.length);
    assert.equal(answer.sluice.stop_reason, 'stop');
    assert.equal(answer.sluice.depth, 2);
    assert.deepEqual(
      answer.sluice.transcript.map((message) => message.role), ['assistant', 'tool', 'assistant', 'tool', 'assistant'],
    );
    assert.equal(answer.sluice.usage_by_step.length, 3);
    const total = answer.sluice.usage_by_step.reduce((sum, step) => sum + step.total_tokens, 0);
    assert.equal(answer.usage.total_tokens, total);
  });

  test(`a write comes back, is executed and the chat goes on from the transcript, ${how}`, async () => {
    const target = `${folder}/agent-${how}.txt`;
    const messages = user(`Read ${folder}/hello.txt and write ${how} to ${target}`);
    const first = await ask(messages, streaming);
    const { message, finish_reason } = first.answer.choices[0];
    assert.equal(finish_reason, 'tool_calls');
    assert.deepEqual(message.tool_calls.map((call) => call.function.name), ['filesystem-write_file']);
    assert.equal(first.answer.sluice.stop_reason, 'tool_calls');
    assert.deepEqual(first.answer.sluice.approvals, []);
    assert.equal(first.answer.sluice.transcript[0].tool_calls.length, 2);
    assert.ok(!existsSync(target), 'a write waits for its execution');

    const { id, type, function: { name, arguments: text_ } } = message.tool_calls[0];
    const result = await execute({ id, type, function: { name, arguments: text_ } }, first.chain);
    assert.equal(readFileSync(target, 'utf8'), how);
    const { answer } = await ask([...messages, ...first.answer.sluice.transcript, result], streaming);

    assert.equal(answer.choices[0].finish_reason, 'stop');
    assert.ok(answer.choices[0].message.content.includes(text), 'what the automatic read said is not lost');
    assert.ok(answer.choices[0].message.content.includes(target));
  });
}

test('deltas come under one id with one role, and none of a call that the gateway ran', async () => {
  const stream = await client.chat.completions.create({
    model, messages: user(`Read ${folder}/hello.txt`), stream: true,
  });
  const ids = new Set();
  let roles = 0;
  let calls = 0;
  let own = 0;
  for await (const chunk of stream) {
    ids.add(chunk.id);
    roles += chunk.choices[0]?.delta.role ? 1 : 0;
    calls += chunk.choices[0]?.delta.tool_calls?.length ?? 0;
    own += chunk.sluice && chunk.choices.length === 0 ? 1 : 0;
  }

  assert.deepEqual([ids.size, roles, calls, own], [1, 1, 0, 1]);
});

test('a request may ask for manual mode, and for fewer rounds', async () => {
  const messages = user(`List ${folder}, then read ${folder}/hello.txt`);
  const manual = await client.chat.completions.create({ model, messages }, { headers: { 'x-sluice-mode': 'manual' } });
  assert.equal(manual.choices[0].message.tool_calls[0].function.name, 'filesystem-list_directory');
  assert.equal(manual.sluice, undefined);

  const shallow = await client.chat.completions.create({ model, messages, sluice: { max_depth: 1 } });
  assert.equal(shallow.sluice.stop_reason, 'max_depth');
  assert.equal(shallow.choices[0].message.tool_calls[0].function.name, 'filesystem-read_file');
});
