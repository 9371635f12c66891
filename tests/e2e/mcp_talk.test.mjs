// What a server says in the middle of a call, and what a client says of its own calls, between every official client and a server of
// each era ("old" over stdio, "new" over HTTP) through /mcp.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { kinds } from './mcp_kinds.mjs';

const TEST = { timeout: 30_000 };
const WAIT_MS_MAX = 5000;
const POLL_MS = 20;
const servers = { old: 'talk://legacy/page', new: 'talk://modern/page' };  // and the resource of each
const said = (result) => result.content[0].text;

async function until(probe, wanted) {
  const end = Date.now() + WAIT_MS_MAX;
  let found = await probe();
  for (; found !== wanted && Date.now() < end; found = await probe()) await sleep(POLL_MS);
  assert.equal(found, wanted);
}

for (const [kind, connect] of Object.entries(kinds)) {
  test(kind, async (t) => {
    const answers = { elicit: () => ({ action: 'accept', content: { colour: 'green' } }) };
    const client = await connect(answers);
    const silent = await connect();
    t.after(() => Promise.all([client.close(), silent.close()]));

    for (const [server, page] of Object.entries(servers)) {
      const call = (tool, args, more) => client.call(`${server}-${tool}`, args, more);

      await t.test(`cancels a call of server ${server}, which learns of it`, TEST, async () => {
        const name = `${kind} ${server}`;
        const control = new AbortController();
        let told = 0;
        const pending = call('wait', { name }, { signal: control.signal, ...(kind !== 'AI SDK' && { onprogress: () => { told += 1; } }) });
        const settled = pending.then(() => 'answered', () => 'cancelled');
        const ended = async () => said(await silent.call(`${server}-ended`, { name }));
        await until(ended, 'open');
        if (kind !== 'AI SDK') await until(() => told, 1);

        control.abort('no longer wanted');

        assert.equal(await settled, 'cancelled');
        await until(ended, 'cancelled');
      });

      await t.test(`answers a question of server ${server}`, TEST, async () => {
        answers.elicit = (params) => {
          assert.equal(params.message, 'Which colour?');
          assert.deepEqual(Object.keys(params.requestedSchema.properties), ['colour']);
          return { action: 'accept', content: { colour: 'green' } };
        };
        assert.equal(said(await call('ask', { question: 'Which colour?' })), 'The colour is green.');
        answers.elicit = () => ({ action: 'decline' });
        assert.equal(said(await call('ask', { question: 'And now?' })), 'No colour: decline.');
      });

      await t.test(`is not asked by server ${server} what it did not declare`, TEST, async () => {
        const outcome = await silent.call(`${server}-ask`, { question: 'Which colour?' }).catch((error) => ({ isError: true, error }));
        assert.equal(outcome.isError, true);
      });

      await t.test(`has a model of the gateway where it lends none to server ${server}`, TEST, async () => {
        assert.match(said(await silent.call(`${server}-think`, { prompt: 'Hello' })), /^The model says: .*demo/is);
      });

      if (kind !== 'AI SDK') {
        await t.test(`lends its model to server ${server}`, TEST, async () => {
          assert.equal(said(await call('think', { prompt: 'to be' })), 'The model says: not to be');
        });

        await t.test(`is told what server ${server} logs, from the level it asked for`, TEST, async () => {
          const levels = [];
          client.onLog((message) => levels.push(message.level));
          await client.logLevel('warning');
          await call('tell', {});
          await until(() => levels.length, 2);
          assert.deepEqual(levels, ['warning', 'error']);
        });

        await t.test(`is told of a changed resource of server ${server}`, TEST, async () => {
          const updated = [];
          client.onUpdate(({ uri }) => updated.push(uri));
          await client.watch(page);
          await call('edit', {});
          await until(() => updated[0], page);
        });
      }
    }
  });
}
