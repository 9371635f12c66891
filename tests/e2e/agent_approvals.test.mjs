// Calls that wait for people, in agent mode through the official openai package: the answer names the approval, the execution is
// refused until enough people have approved, and then the chat goes on from the transcript.
import assert from 'node:assert/strict';
import test from 'node:test';
import OpenAI from 'openai';

const url = process.env.SLUICE_URL;
const key = process.env.SLUICE_KEY;
const target = process.env.SLUICE_TARGET;
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const model = 'demo/assistant';

function post(path, body, bearer, headers = {}) {
  return fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
}

async function ask(messages, streaming, options = {}) {
  const body = { model, messages, ...options };
  return streaming ? client.chat.completions.stream(body).finalChatCompletion() : client.chat.completions.create(body);
}

const forced = { tool_choice: { type: 'function', function: { name: 'memory-delete_entities' } } };
const cases = [
  { server: 'memory', tool: 'delete_entities', required: 'approve_twice', people: ['ann', 'bob'], content: 'old-note', options: forced },
  { server: 'filesystem', tool: 'write_file', required: 'approve', people: ['bob'], content: `Write approved to ${target}`, streaming: true },
];

for (const { server, tool, required, people, content, options, streaming } of cases) {
  test(`${tool} waits for ${people.join(' and ')}`, async () => {
    const messages = [{ role: 'user', content }];
    const first = await ask(messages, streaming, options);
    assert.equal(first.sluice.stop_reason, 'approval_required');
    assert.equal(first.choices[0].finish_reason, 'tool_calls');
    const { id, type, function: { name, arguments: text } } = first.choices[0].message.tool_calls[0];
    const call = { id, type, function: { name, arguments: text } };
    assert.equal(first.sluice.approvals.length, 1);
    const [approval] = first.sluice.approvals;
    assert.deepEqual({ ...approval, id: '' }, { id: '', tool_call_id: id, server, tool, required });

    const refused = await post('/v1/mcp/tool/execute', call, key);
    assert.equal(refused.status, 403);
    assert.equal((await refused.json()).error.approval_id, approval.id, 'the execution asks for the same approval');
    for (const person of people) {
      const early = await post('/v1/mcp/tool/execute', call, key, { 'x-sluice-approval': approval.id });
      assert.equal(early.status, 403, await early.text());
      const answered = await post(`/api/approvals/${approval.id}`, { action: 'approve', reason: 'fine' }, `sk-sl-${person}`);
      assert.equal(answered.status, 200, await answered.text());
    }
    const executed = await post('/v1/mcp/tool/execute', call, key, { 'x-sluice-approval': approval.id });
    assert.equal(executed.status, 200, await executed.clone().text());

    const last = await ask([...messages, ...first.sluice.transcript, await executed.json()], streaming);
    assert.equal(last.choices[0].finish_reason, 'stop');
    assert.equal(last.sluice.stop_reason, 'stop');
  });
}
