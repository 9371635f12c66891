// What tools cost a model per turn: all definitions as a classic catalog has them, against the meta-tools of code mode, and what the
// files of types cost once they are read. Tokens by o200k_base (js-tiktoken, pinned).
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const LIMIT = 300;
const SERVERS = ["chrome-devtools", "filesystem", "git_cyanheads", "github_archived", "memory"];
const TOOLS = 100;

const root = process.env.SLUICE_SOURCE_DIR;
const build = path.join(process.env.SLUICE_BUILD_DIR, "tests/contract");
const require = createRequire(path.join(root, "tests/e2e/"));
const { Tiktoken } = require("js-tiktoken/lite");
const o200k = require("js-tiktoken/ranks/o200k_base");
const encoder = new Tiktoken(o200k.default ?? o200k);
const tokens = (value) => encoder.encode(typeof value === "string" ? value : JSON.stringify(value)).length;
const faults = [];

function metaTools(tools, servers) {
  return JSON.parse(execFileSync(path.join(build, "meta_tools"), [String(tools), ...servers]).toString());
}

for (const [tools, servers] of [[5, ["files"]], [100, SERVERS], [9000, Array.from({ length: 200 }, (_, i) => `server_${i}`)]]) {
  const cost = tokens(metaTools(tools, servers));
  console.log(`${servers.length} servers, ${tools} tools: the meta-tools take ${cost} tokens a turn`);
  if (cost > LIMIT) faults.push(`the meta-tools for ${tools} tools take ${cost} tokens, more than ${LIMIT}`);
}

const catalogs = process.env.SLUICE_CATALOGS;
if (catalogs) {
  const files = SERVERS.map((name) => path.join(catalogs, `${name}.json`));
  let count = 0;
  let classic = 0;
  for (const [i, file] of files.entries()) {
    for (const tool of JSON.parse(readFileSync(file, "utf8"))) {
      if (count === TOOLS) break;
      count += 1;
      const name = `${SERVERS[i].replaceAll(/\W/g, "_")}-${tool.name}`;
      classic += tokens({ type: "function", function: { name, description: tool.description, parameters: tool.inputSchema } });
    }
  }
  const code = tokens(metaTools(count, SERVERS));
  console.log(`recorded catalogs, ${SERVERS.length} servers, ${count} tools, per turn: classic ${classic} tokens, code mode ${code} ` +
    `(${(classic / code).toFixed(0)} times fewer)`);
  if (classic < 10 * code) faults.push("code mode is not ten times smaller");
  const described = JSON.parse(execFileSync(path.join(build, "codemode_declare"), files, { maxBuffer: 1 << 28 }).toString());
  for (const file of described.files) console.log(`  read once: ${file.name} ${tokens(file.text)} tokens`);
} else {
  console.log("SLUICE_CATALOGS is not set: recorded catalogs are left out");
}
for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
