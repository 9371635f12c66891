// Makes compiler.js, the one file that the compiler zygote loads: node bundle.mjs <outfile>
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import ts from "typescript";

const HERE = dirname(fileURLToPath(import.meta.url));
const LIB = dirname(createRequire(import.meta.url).resolve("typescript/lib/lib.d.ts"));

// Scripts have none of it (v8/README.md), so that its use is an error of the check already.
const LEFT_OUT_FILES = new Set(["es2017.sharedmemory", "es2020.sharedmemory", "es2021.weakref"]);
const LEFT_OUT_NAMES = new Set(["eval", "Function", "FunctionConstructor"]);

function isLeftOut(statement) {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.some((d) => LEFT_OUT_NAMES.has(d.name.text));
  }
  return statement.name !== undefined && LEFT_OUT_NAMES.has(statement.name.text) &&
    statement.name.text !== "Function";  // the interface is the type of every function
}

// Statements of a library file and of those it refers to, each once.
function collect(name, seen, printed) {
  if (seen.has(name) || LEFT_OUT_FILES.has(name)) {
    return;
  }
  seen.add(name);
  const text = readFileSync(join(LIB, `lib.${name}.d.ts`), "utf8");
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2022);
  for (const reference of file.libReferenceDirectives) {
    collect(reference.fileName, seen, printed);
  }
  const printer = ts.createPrinter({ removeComments: true });
  for (const statement of file.statements.filter((s) => !isLeftOut(s))) {
    printed.push(printer.printNode(ts.EmitHint.Unspecified, statement, file).replace(/^ +/gm, ""));
  }
}

function libraryText() {
  const printed = [];
  collect("es2022", new Set(), printed);
  return printed.join("\n") + "\n";
}

const texts = {
  name: "texts",
  setup(plugin) {
    plugin.onResolve({ filter: /^text:/ }, ({ path }) => ({ path: path.slice(5), namespace: "text" }));
    plugin.onLoad({ filter: /.*/, namespace: "text" }, ({ path }) => ({
      contents: path === "lib.d.ts" ? libraryText() : readFileSync(join(HERE, path), "utf8"),
      loader: "text",
    }));
  },
};

await build({
  entryPoints: [join(HERE, "compile.js")],
  outfile: process.argv[2],
  bundle: true,
  minify: true,
  format: "iife",
  platform: "browser",
  target: "es2022",
  legalComments: "eof",
  logLevel: "warning",
  plugins: [texts],
});
