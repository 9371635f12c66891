// One official MCP client driven by lines: each on standard input is {"name", "arguments"} of a call, each on standard output what came
// of it. The first line out is {"session"}. With SLUICE_MCP_PIN the client is a modern one of that version.
import { createInterface } from 'node:readline';
import { newClient, sdk } from './mcp_support.mjs';

const pin = process.env.SLUICE_MCP_PIN;
const client = pin ? await newClient({ pin }) : await sdk();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

say({ session: client.transport.sessionId ?? null });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ result: await client.callTool(JSON.parse(line)) });
  } catch (error) {
    say({ error: { code: error.code, message: error.message } });
  }
}
await client.close();
