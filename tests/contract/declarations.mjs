// Declarations held against the real compiler: those of recorded catalogs, of hostile and odd tools, and of random schemas whose
// instances are known to be valid. `codemode_declare` writes them; TypeScript is the one scripts are checked with.
// The type of a tool must accept every valid argument: a refusal here is a false one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { oddTools } from "./declarations_odd.mjs";
import { randomTool, sampleOf } from "./declarations_schemas.mjs";

const root = process.env.SLUICE_SOURCE_DIR;
const program = path.join(process.env.SLUICE_BUILD_DIR, "tests/contract/codemode_declare");
const ts = createRequire(path.join(root, "services/codemode-sandbox/runner/typescript/"))("typescript");
const folder = mkdtempSync(path.join(tmpdir(), "declarations-"));
const faults = [];

function declare(files, ...options) {
  const out = execFileSync(program, [...options, ...files], { maxBuffer: 1 << 28 });
  return JSON.parse(out.toString());
}

const OPTIONS = {
  target: ts.ScriptTarget.ES2022, lib: ["lib.es2022.d.ts"], types: [], strict: true, skipDefaultLibCheck: true, noEmit: true, moduleDetection: 3,
};
const host = ts.createCompilerHost(OPTIONS);
const library = new Map();

// Diagnostics of a script under declarations, as "line: message".
function check(declarations, script = "") {
  const texts = new Map([["tools.d.ts", declarations], ["script.ts", `${script}\nexport {};`]]);
  const program = ts.createProgram([...texts.keys()], OPTIONS, {
    ...host,
    fileExists: (name) => texts.has(name) || host.fileExists(name),
    readFile: (name) => texts.get(name) ?? host.readFile(name),
    getSourceFile: (name, target) => {
      if (texts.has(name)) return ts.createSourceFile(name, texts.get(name), target, true);
      if (!library.has(name)) library.set(name, host.getSourceFile(name, target));
      return library.get(name);
    },
  });
  return ts.getPreEmitDiagnostics(program).map((d) => {
    const at = d.file && d.start !== undefined ? d.file.getLineAndCharacterOfPosition(d.start).line + 1 : 0;
    return `${d.file?.fileName}:${at}: TS${d.code} ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`;
  });
}

function expectClean(what, declarations, script) {
  const found = check(declarations, script);
  for (const one of found.slice(0, 5)) {
    const line = Number(/^script\.ts:(\d+)/.exec(one)?.[1] ?? 0);
    faults.push(`${what}: ${one}${line ? `\n    ${script.split("\n")[line - 1].slice(0, 400)}` : ""}`);
  }
  return found.length;
}

// One call a tool with a valid argument, and none with an argument of a wrong type where that is sure.
function callsOf(described, samples) {
  const lines = [];
  for (const tool of described.tools) {
    const member = `${tool.server}[${JSON.stringify(tool.tool)}]`;
    const schema = tool.input ? JSON.parse(tool.input) : {};
    for (const sample of samples ? samples(tool) : [sampleOf(schema, schema, false), sampleOf(schema, schema, true)]) {
      lines.push(`void ${member}(${JSON.stringify(sample)});`);
    }
  }
  return lines;
}

function catalogs() {
  const given = process.env.SLUICE_CATALOGS;
  if (!given) {
    console.log("SLUICE_CATALOGS is not set: recorded catalogs are left out");
    return;
  }
  const files = readdirSync(given).filter((name) => name.endsWith(".json")).map((name) => path.join(given, name));
  let calls = 0;
  let bytes = 0;
  for (const options of [[], ["--by-tool"]]) {
    for (const file of files) {
      const described = declare([file], ...options);
      bytes += described.checking.length;
      expectClean(`${file} (checking)`, described.checking, "");
      // Files by tool declare one server again and again: each gets a name of its own.
      const apart = (text, i) => text.replaceAll(/declare const (\w+)/g, `declare const $1_${i}`).replaceAll(/\$(?=[a-z_])/gi, `$f${i}_`);
      expectClean(`${file} (reading)`, described.files.map((one, i) => apart(one.text, i)).join(""), "");
      if (options.length) continue;
      const script = callsOf(described);
      calls += script.length;
      expectClean(`${file} (samples)`, described.checking, script.join("\n"));
    }
  }
  const all = declare(files);
  expectClean("all catalogs at once", all.checking, callsOf(all).join("\n"));
  console.log(`${files.length} recorded catalogs, ${all.tools.length} tools: both forms compile, ${calls} sample calls are accepted; ` +
    `${all.checking.length} bytes for the compiler`);
}

function odd() {
  const file = path.join(folder, "odd.json");
  writeFileSync(file, JSON.stringify(oddTools.map(({ accepts, refuses, ...tool }) => tool)));
  const described = declare([file]);
  const byName = new Map(oddTools.map((tool) => [tool.name, tool]));
  expectClean("odd tools (reading)", described.files.map((one) => one.text).join(""), "");
  const script = callsOf(described, (tool) => byName.get(tool.name).accepts ?? []);
  expectClean("odd tools (accepted)", described.checking, script.join("\n"));
  let refused = 0;
  for (const tool of described.tools) {
    for (const argument of byName.get(tool.name).refuses ?? []) {
      const call = `void ${tool.server}[${JSON.stringify(tool.tool)}](${JSON.stringify(argument)});`;
      if (check(described.checking, call).length === 0) faults.push(`accepted: ${call}`);
      refused += 1;
    }
  }
  if (described.tools.length !== oddTools.length) faults.push(`${described.tools.length} of ${oddTools.length} odd tools are there`);
  console.log(`${oddTools.length} odd and hostile tools: ${script.length} valid calls accepted, ${refused} wrong ones refused`);
}

// seed: printed, so that a failure can be repeated.
function random(count, seed) {
  const tools = [];
  const samples = new Map();
  for (let i = 0; i < count; i += 1) {
    const { tool, instances } = randomTool(seed + i);
    tools.push(tool);
    samples.set(tool.name, instances);
  }
  const file = path.join(folder, "random.json");
  writeFileSync(file, JSON.stringify(tools));
  const described = declare([file]);
  const script = callsOf(described, (tool) => samples.get(tool.name));
  const refused = expectClean(`random schemas of seed ${seed}`, described.checking, script.join("\n"));
  expectClean("random schemas (reading)", described.files.map((one) => one.text).join(""), "");
  if (JSON.stringify(described) !== JSON.stringify(declare([file]))) faults.push("the same tools gave other bytes");
  const typed = described.checking.split("\n").filter((line) => /\(args\??: (?!any\))/.test(line)).length;
  console.log(`${count} random schemas (seed ${seed}): ${script.length} valid calls, ${refused} refused; ${typed} have types`);
}

catalogs();
odd();
random(Number(process.env.SLUICE_DECLARATIONS_COUNT ?? 300), Number(process.env.SLUICE_DECLARATIONS_SEED ?? 7));
rmSync(folder, { recursive: true });
for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
