// The official openai package against Sluice: plain chat, streaming, and the manual tool loop over two real MCP servers.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';

const url = process.env.SLUICE_URL;
const key = process.env.SLUICE_KEY;
const file = process.env.SLUICE_DEMO_FILE;
const text = process.env.SLUICE_DEMO_TEXT;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const model = 'demo/assistant';

async function execute(call) {
  const response = await fetch(`${url}/v1/mcp/tool/execute`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(call),
  });
  assert.equal(response.status, 200, await response.clone().text());
  return response.json();
}

test('plain chat answers with content and usage', async () => {
  const answer = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello there' }] });

  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.match(answer.choices[0].message.content, /demo/i);
  assert.ok(answer.usage.total_tokens > 0);
});

test('streaming yields deltas that join to the plain answer, and usage last when asked', async () => {
  const messages = [{ role: 'user', content: 'Hello there' }];
  const plain = await client.chat.completions.create({ model, messages });
  const stream = await client.chat.completions.create({
    model, messages, stream: true, stream_options: { include_usage: true },
  });
  let content = '';
  let finish = null;
  let usage = null;
  let chunks = 0;
  for await (const chunk of stream) {
    chunks += 1;
    content += chunk.choices[0]?.delta?.content ?? '';
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }

  assert.equal(content, plain.choices[0].message.content);
  assert.equal(finish, 'stop');
  assert.ok(chunks > 2);
  assert.ok(usage.total_tokens > 0);
});

for (const streaming of [false, true]) {
  test(`manual tool loop reads a real file through server-filesystem, ${streaming ? 'streamed' : 'plain'}`, async () => {
    const messages = [{ role: 'user', content: `Read ${file} and tell me what it says` }];
    const ask = async () => {
      if (!streaming) {
        return (await client.chat.completions.create({ model, messages })).choices[0].message;
      }
      const runner = client.chat.completions.stream({ model, messages });
      return (await runner.finalChatCompletion()).choices[0].message;
    };
    const suggestion = await ask();
    assert.equal(suggestion.tool_calls.length, 1);
    assert.equal(suggestion.tool_calls[0].function.name, 'filesystem-read_text_file');
    messages.push({ role: 'assistant', tool_calls: suggestion.tool_calls });
    const result = await execute(suggestion.tool_calls[0]);
    assert.equal(result.role, 'tool');
    assert.equal(result.tool_call_id, suggestion.tool_calls[0].id);
    assert.ok(result.content.includes(text));
    messages.push(result);

    const answer = await ask();

    assert.ok(answer.content.includes(text), answer.content);
  });
}

test('manual tool loop calls server-everything', async () => {
  const messages = [{ role: 'user', content: 'Use the echo tool: echo "sluice gate 7"' }];
  const suggestion = (await client.chat.completions.create({ model, messages })).choices[0].message;
  assert.equal(suggestion.tool_calls[0].function.name, 'everything-echo');
  messages.push(suggestion, await execute(suggestion.tool_calls[0]));

  const answer = (await client.chat.completions.create({ model, messages })).choices[0].message;

  assert.match(answer.content, /sluice gate 7/);
});

test('errors are the classes of the SDK and carry a request id', async () => {
  const wrong = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'sk-sl-wrong', maxRetries: 0 });
  await assert.rejects(wrong.models.list(), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.match(error.requestID ?? '', /\S/);
    return true;
  });
  await assert.rejects(
    client.chat.completions.create({ model: 'demo/none', messages: [{ role: 'user', content: 'x' }] }),
    (error) => error instanceof OpenAI.NotFoundError && /model/.test(error.message),
  );
});

test('the model list names the demo model', async () => {
  const ids = (await client.models.list()).data.map((entry) => entry.id);

  assert.ok(ids.includes('demo/assistant'), ids.join());
});
