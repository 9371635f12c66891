// One official MCP client of mcp_kinds.mjs that fills in forms, driven by lines. In: {"name", "arguments"} begins a call, {"answer"} is
// what its person says to the question before. Out: {"ready"}, {"asked"} with the params of a question, {"result"} or {"error"} of a call.
import { createInterface } from 'node:readline';
import { kinds } from './mcp_kinds.mjs';

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
let reply = () => {};
const elicit = (params) => new Promise((resolve) => {
  reply = resolve;
  say({ asked: params });
});
const client = await kinds[process.env.SLUICE_MCP_KIND]({ elicit });
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { answer, name, arguments: args } = JSON.parse(line);
  if (answer) {
    reply(answer);
  } else {
    client.call(name, args).then((result) => say({ result }), (error) => say({ error: { code: error.code, message: error.message } }));
  }
}
await client.close();
