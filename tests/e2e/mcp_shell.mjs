// One official MCP client driven by lines: each on standard input is {"name", "arguments"} of a call or {"list": true}, each on standard
// output what came of it. The first line out is {"session"}. With SLUICE_MCP_PIN the client is a modern one of that version, with
// SLUICE_MCP_KIND one of mcp_kinds.mjs.
import { createInterface } from 'node:readline';
import { kinds } from './mcp_kinds.mjs';
import { newClient, sdk } from './mcp_support.mjs';

const { SLUICE_MCP_PIN: pin, SLUICE_MCP_KIND: kind } = process.env;
const client = kind ? await kinds[kind]() : pin ? await newClient({ pin }) : await sdk();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const answer = async ({ list, ...call }) => {
  if (list) return { tools: (await client.list()).map((tool) => tool.name) };
  return { result: kind ? await client.call(call.name, call.arguments) : await client.callTool(call) };
};

say({ session: client.transport?.sessionId ?? null });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say(await answer(JSON.parse(line)));
  } catch (error) {
    say({ error: { code: error.code, message: error.message } });
  }
}
await client.close();
