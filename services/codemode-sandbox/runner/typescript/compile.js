// Bundled with TypeScript into compiler.js, which the compiler zygote loads into a bare V8: no Node.js,
// no DOM. This file is all that the zygote calls:
//
//   prepare(digest, declarations)             keeps the declarations parsed
//   warmUp(step)                              uses everything a little; false after the last step
//   compile(source, declarations, digest)     answers {javascript?, diagnostics, calls, escapes}
//
// No javascript: the first diagnostic blocks. Declarations may be empty: then syntax alone is checked.
import ts from "typescript";
import { callsAndEscapes } from "./calls.js";
import { check, keepPrepared } from "./checker.js";
import { diagnosticsOf } from "./diagnostics.js";
import { blank, parse, wrongSyntax } from "./script.js";
import { warmUpWith } from "./warm_up.js";

const NOTHING = { diagnostics: [], calls: [], escapes: [] };

function refused(wrong) {
  return { ...NOTHING, diagnostics: [wrong] };
}

function compile(source, declarations, digest) {
  const file = parse(source);
  const wrong = wrongSyntax(file);
  if (wrong) {
    return refused(wrong);
  }
  if (declarations === "") {
    const emitted = blank(file);
    return emitted.wrong ? refused(emitted.wrong) : { ...NOTHING, javascript: emitted.javascript };
  }
  const directives = file.commentDirectives ?? [];
  file.commentDirectives = undefined;  // they hide nothing from the check
  const checked = check(file, declarations, digest);
  const { faults, ...found } = callsAndEscapes(file, checked, directives);
  const diagnostics = diagnosticsOf(file, checked, faults);
  const emitted = blank(file);
  if (emitted.wrong) {
    diagnostics.unshift(emitted.wrong);
  }
  if (diagnostics[0]?.blocks) {
    return { diagnostics, ...found };
  }
  return { javascript: emitted.javascript, diagnostics, ...found };
}

function tooMuch(error) {
  const message = error instanceof RangeError ? "the script is nested too deeply"
    : "the compiler gave up on the script";
  return refused({ blocks: true, message, hint: "write it with less nesting, in smaller functions",
    line: 0, column: 0, excerpt: "", code: 0 });
}

const warmUp = warmUpWith(compile);

globalThis.compile = (source, declarations, digest) => {
  try {
    return compile(source, declarations, digest);
  } catch (error) {
    return tooMuch(error);
  }
};

globalThis.warmUp = warmUp;

globalThis.prepare = (digest, declarations) => {
  try {
    keepPrepared(digest, declarations);
  } catch {
    // Scripts that name it bring the text along and are told what is wrong with it.
  }
};
