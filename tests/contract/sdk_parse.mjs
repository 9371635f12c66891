// Reads the answers recordings_test wrote with the official `openai` package: what the SDK sees must be what the case expects.
//
//   SLUICE_CONTRACT_OUT=<folder> node tests/contract/sdk_parse.mjs
//
// The package is looked for from the working directory (tests/e2e has it).
import http from 'node:http';
import { readFile, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import assert from 'node:assert/strict';

const folder = process.env.SLUICE_CONTRACT_OUT;
if (!folder) {
  console.error('set SLUICE_CONTRACT_OUT to the folder recordings_test wrote');
  process.exit(2);
}
const require = createRequire(path.join(process.cwd(), 'sdk_parse.cjs'));
const { default: OpenAI } = await import(require.resolve('openai').replace(/\.js$/, '.mjs')).catch(() => require('openai'));

// One file a case, at /<case>/chat/completions. Streams leave in pieces of 97 bytes, so that events are cut anywhere.
const server = http.createServer(async (request, response) => {
  request.resume();
  const name = decodeURIComponent(request.url.split('/')[1]);
  const files = await readdir(folder);
  const stream = files.includes(`${name}.sse`);
  const body = await readFile(path.join(folder, `${name}.${stream ? 'sse' : 'json'}`));
  const expect = JSON.parse(await readFile(path.join(folder, `${name}.expect`), 'utf8'));
  const status = stream ? 200 : (expect.status ?? 200);
  response.writeHead(status, {
    'content-type': stream ? 'text/event-stream' : 'application/json',
    ...(status >= 400 ? { 'x-should-retry': 'false' } : {}),
  });
  for (let at = 0; at < body.length; at += 97) {
    response.write(body.subarray(at, at + 97));
  }
  response.end();
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const { port } = server.address();

function checkText(wanted, got, what) {
  if (wanted === undefined) return;
  if (wanted === null) assert.equal(got || null, null, what);
  else if (typeof wanted === 'string') assert.equal(got, wanted, what);
  else {
    assert.ok(got.startsWith(wanted.starts ?? '') && got.endsWith(wanted.ends ?? ''), `${what}: ${JSON.stringify(got)}`);
  }
}

function checkMessage(expect, message, finishReason) {
  checkText(expect.content, message.content ?? '', 'content');
  if (expect.error_kind) return;
  assert.equal(finishReason, expect.finish_reason, 'finish_reason');
  const calls = (message.tool_calls ?? []).map((call) => ({ name: call.function.name, arguments: JSON.parse(call.function.arguments) }));
  assert.deepEqual(calls, expect.tool_calls ?? [], 'tool_calls');
  for (const call of message.tool_calls ?? []) assert.ok(call.id, 'id of a tool call');
}

// The SDK's own gathering of a stream (ChatCompletionStream), and the events one by one.
async function readStream(client, expect) {
  const parameters = { model: 'm', messages: [{ role: 'user', content: 'x' }], stream: true };
  if (expect.error_kind) {
    let content = '';
    await assert.rejects(async () => {
      for await (const chunk of await client.chat.completions.create(parameters)) {
        content += chunk.choices[0]?.delta?.content ?? '';
      }
    }, 'the stream should end with an error');
    checkText(expect.content, content, 'content before the error');
    return;
  }
  const completion = await client.chat.completions.stream(parameters).finalChatCompletion();
  checkMessage(expect, completion.choices[0].message, completion.choices[0].finish_reason);
}

async function readPlain(client, expect) {
  const parameters = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
  if (expect.error_kind) {
    await assert.rejects(client.chat.completions.create(parameters), (error) => {
      assert.ok(error instanceof OpenAI.APIError, `an APIError, not ${error}`);
      assert.equal(error.status, expect.status);
      assert.ok(error.error?.message, 'error.message');
      return true;
    });
    return;
  }
  const completion = await client.chat.completions.create(parameters);
  assert.equal(completion.object, 'chat.completion');
  assert.equal(completion.choices.length, expect.choices ?? 1);
  checkMessage(expect, completion.choices[0].message, completion.choices[0].finish_reason);
}

let failed = 0;
const names = (await readdir(folder)).filter((file) => file.endsWith('.expect')).map((file) => file.slice(0, -'.expect'.length)).sort();
for (const name of names) {
  const expect = JSON.parse(await readFile(path.join(folder, `${name}.expect`), 'utf8'));
  const stream = (await readdir(folder)).includes(`${name}.sse`);
  const client = new OpenAI({ apiKey: 'test', baseURL: `http://127.0.0.1:${port}/${name}`, maxRetries: 0 });
  try {
    await (stream ? readStream(client, expect) : readPlain(client, expect));
    console.log(`ok      ${name} (${stream ? 'stream' : 'plain'})`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.message}`);
  }
}
server.close();
console.log(`${names.length} cases, ${failed} failed`);
process.exit(failed === 0 && names.length > 0 ? 0 : 1);
