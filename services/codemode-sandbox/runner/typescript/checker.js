// Programs of one script, the library and the declarations of the tools. What does not change from
// script to script is parsed and bound once.
import ts from "typescript";
import LIB from "text:lib.d.ts";
import PRELUDE from "text:prelude.d.ts";
import { SCRIPT_NAME } from "./script.js";

const LIB_NAME = "/lib.d.ts";
const PRELUDE_NAME = "/prelude.d.ts";
export const DECLARATIONS_NAME = "/tools.d.ts";

// Declarations kept parsed. Source: runner_messages.proto, Prepare.
const PREPARED_MAX = 8;

const OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  noLib: true,
  types: [],
  strict: true,
  noImplicitAny: true,  // arrays and variables get the type of what is put into them; nobody is told of the errors
  noImplicitThis: false,
  strictPropertyInitialization: false,
  useUnknownInCatchVariables: false,
  skipLibCheck: true,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
  noErrorTruncation: false,
};

const PARSING = { languageVersion: OPTIONS.target, jsDocParsingMode: ts.JSDocParsingMode.ParseNone };

function declarationFile(name, text) {
  const file = ts.createSourceFile(name, text, PARSING, false, ts.ScriptKind.TS);
  ts.bindSourceFile(file, OPTIONS);
  return file;
}

const lib = declarationFile(LIB_NAME, LIB);
const prelude = declarationFile(PRELUDE_NAME, PRELUDE);

// Digest -> { file, program }, the least recently told first.
const prepared = new Map();

// A program whose files but the script are those of `before`, if it is given, costs little.
function programOf(script, declarations, before) {
  const files = new Map([lib, prelude, declarations, script].map((file) => [file.fileName, file]));
  const host = {
    getSourceFile: (name) => files.get(name),
    getDefaultLibFileName: () => LIB_NAME,
    getCurrentDirectory: () => "/",
    getCanonicalFileName: (name) => name,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => "\n",
    fileExists: (name) => files.has(name),
    readFile: (name) => files.get(name)?.text,
    writeFile: () => {},
    directoryExists: () => false,
    getDirectories: () => [],
  };
  return ts.createProgram({ rootNames: [...files.keys()], options: OPTIONS, host, oldProgram: before });
}

const EMPTY = ts.createSourceFile(SCRIPT_NAME, "export {};", PARSING, false, ts.ScriptKind.TS);

function prepare(text) {
  const file = declarationFile(DECLARATIONS_NAME, text);
  return { file, program: programOf(EMPTY, file, undefined) };
}

// Keeps the declarations parsed for the programs to come.
export function keepPrepared(digest, text) {
  const entry = prepared.get(digest) ?? prepare(text);
  prepared.delete(digest);
  prepared.set(digest, entry);
  if (prepared.size > PREPARED_MAX) {
    prepared.delete(prepared.keys().next().value);
  }
}

// {program, checker, declarations} of a parsed script.
export function check(script, declarations, digest) {
  const { file, program: before } = prepared.get(digest) ?? prepare(declarations);
  const program = programOf(script, file, before);
  return { program, checker: program.getTypeChecker(), declarations: file };
}
