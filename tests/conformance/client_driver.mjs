// The client of the conformance suite's client scenarios: makes the scenario's server a server of a running Sluice by the management
// API, asks it through /mcp for all that is offered, and takes it away again. Where the server wants OAuth it is the browser too.
// Usage: client_driver.mjs SERVER_URL, with SLUICE_URL, SLUICE_KEY and the suite's own MCP_CONFORMANCE_* in the environment.
// It prints what came of each step; the suite judges what its server saw. The suite starts all its scenarios at once: those without one of
// the few slots (files in SLUICE_SLOTS) wait for it, or else two processors would be too busy to keep the protocol's deadlines.
import { closeSync, openSync, unlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { McpClient } from './client_requests.mjs';
import { Management } from './client_management.mjs';

const { SLUICE_URL, SLUICE_KEY, MCP_CONFORMANCE_SCENARIO: scenario, MCP_CONFORMANCE_PROTOCOL_VERSION: version } = process.env;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const serverUrl = process.argv[2];
const name = scenario.replaceAll(/[^A-Za-z0-9]/g, '_').slice(0, 32);
const oauth = scenario.startsWith('auth/');
const AUTHORIZATIONS_MAX = 5;  // more than any client may try; the suite allows 3
const SLOTS = 4;
const START_MS = 4000;  // the suite's own process answers nobody while it starts all the others
const RUN_MS_MAX = 110_000;  // below the suite's own

const say = (step, value) => console.log(`${step}: ${JSON.stringify(value)}`);

// A value that the schema of one argument takes.
function sample(schema) {
  if (schema.default !== undefined) return schema.default;
  if (schema.enum) return schema.enum[0];
  return { number: 1.5, integer: 2, boolean: true, array: [], object: {}, null: null }[schema.type] ?? 'a';
}

const sampleArguments = ({ inputSchema }) =>
  Object.fromEntries(Object.entries(inputSchema.properties ?? {}).filter(([, schema]) => schema.type || schema.enum)
    .map(([key, schema]) => [key, sample(schema)]));

// A user may leave out what is null; a schema without null as a type does not take it.
const withoutNull = (args) => Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));

// Whether everything that is offered answers without an error; what does not is said.
async function exercise() {
  const client = new McpClient({ url: `${SLUICE_URL}/mcp`, key: SLUICE_KEY, server: name, version });
  let sound = true;
  const ask = async (method, params, tool) => {
    const answer = await client.request(method, params, tool);
    say(`${method} ${params.name ?? params.uri ?? ''}`, answer);
    sound &&= !answer.error && !answer.result.isError;
    return answer.result ?? {};
  };
  await client.open();
  const { tools = [] } = await ask('tools/list', {});
  const calls = context.toolCalls ?? tools.map((tool) => ({ name: tool.name, arguments: sampleArguments(tool) }));
  for (const call of calls) {
    await ask('tools/call', { ...call, arguments: withoutNull(call.arguments) }, tools.find((tool) => tool.name === call.name));
  }
  for (const { uri } of (await ask('resources/list', {})).resources ?? []) await ask('resources/read', { uri });
  for (const prompt of (await ask('prompts/list', {})).prompts ?? []) await ask('prompts/get', { name: prompt.name });
  await client.close();
  return sound;
}

// The file of the slot; it is to be removed at the end.
async function takeSlot() {
  for (await sleep(START_MS);; await sleep(200)) {
    for (let i = 0; i < SLOTS; i += 1) {
      const file = `${process.env.SLUICE_SLOTS}/slot-${i}`;
      try {
        closeSync(openSync(file, 'wx'));
        return file;
      } catch (error) {
        if (error.code !== 'EEXIST') throw error;
      }
    }
  }
}

const watch = setTimeout(() => {
  console.error(`gave up after ${RUN_MS_MAX} ms`);
  process.exit(1);
}, RUN_MS_MAX);
const slot = await takeSlot();
process.once('exit', () => unlinkSync(slot));
const management = new Management({ url: SLUICE_URL, key: SLUICE_KEY, name, say });
await management.add({ serverUrl, oauth, context });
try {
  for (let authorizations = 0; ; authorizations += 1) {
    if (await management.connected() && await exercise()) break;
    if (!oauth || authorizations === AUTHORIZATIONS_MAX || !await management.wantsAuthorization() || !await management.authorize()) break;
  }
} finally {
  await management.remove();
  clearTimeout(watch);
}
