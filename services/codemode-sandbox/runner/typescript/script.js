// A script: the text that is sent, as the body of one function; and its JavaScript.
import ts from "typescript";
import { blankSourceFile } from "ts-blank-space";

// As the executor does, so that `await` and `return` are legal and line 1 stays line 1.
export const HEAD = '(async function(){"use strict";';
export const TAIL = "\n})";
export const SCRIPT_NAME = "/script.ts";

const EXCERPT_CHARACTERS_MAX = 200;

const OPTIONS = {
  languageVersion: ts.ScriptTarget.ES2022,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
  impliedNodeFormat: undefined,
  setExternalModuleIndicator: (file) => { file.externalModuleIndicator = true; },
};

const HINTS = new Map([
  [ts.SyntaxKind.EnumDeclaration, "write a const object instead of an enum"],
  [ts.SyntaxKind.ModuleDeclaration, "write functions instead of a namespace"],
  ...["PrivateKeyword", "ProtectedKeyword", "PublicKeyword", "ReadonlyKeyword"].map((kind) =>
    [ts.SyntaxKind[kind], "declare the field and assign it in the constructor's body"]),
  [ts.SyntaxKind.TypeAssertionExpression, "write `value as Type` instead of `<Type>value`"],
  [ts.SyntaxKind.ImportDeclaration, "there are no modules: the tools are global"],
  [ts.SyntaxKind.ImportEqualsDeclaration, "there are no modules: the tools are global"],
  [ts.SyntaxKind.ExportAssignment, "write `return value` instead of an export"],
  [ts.SyntaxKind.ExportDeclaration, "write `return value` instead of an export"],
]);

export function parse(source) {
  return ts.createSourceFile(SCRIPT_NAME, HEAD + source + TAIL, OPTIONS, false, ts.ScriptKind.TS);
}

// {line, column, excerpt}: 1-based, in the script as it was sent.
export function placeOf(file, position) {
  const end = file.text.length - TAIL.length;
  const last = HEAD.length + file.text.slice(HEAD.length, end).trimEnd().length;  // where the text ends, for what is missing
  const at = ts.getLineAndCharacterOfPosition(file, Math.max(HEAD.length, Math.min(position, last)));
  const [from, to] = [file.getLineStarts()[at.line], file.getLineStarts()[at.line + 1] ?? file.text.length];
  const text = file.text.slice(Math.max(from, HEAD.length), Math.min(to, end)).trim();
  return {
    line: at.line + 1,
    column: (at.line === 0 ? at.character - HEAD.length : at.character) + 1,
    excerpt: [...text.slice(0, 2 * EXCERPT_CHARACTERS_MAX)].slice(0, EXCERPT_CHARACTERS_MAX).join(""),
  };
}

export function bodyOf(file) {
  return file.statements[0].expression.expression.body;
}

function found(file, position, message, hint, code = 0) {
  return { blocks: true, message, hint, code, ...placeOf(file, position) };
}

// The script must be the body of the function around it and nothing else.
function isOneBody(file) {
  const statement = file.statements[0];
  return (
    file.statements.length === 1 &&
    ts.isExpressionStatement(statement) &&
    ts.isParenthesizedExpression(statement.expression) &&
    ts.isFunctionExpression(statement.expression.expression) &&
    statement.expression.end === file.text.length
  );
}

function firstModuleStatement(body) {
  return body.statements.find((s) =>
    ts.isImportDeclaration(s) || ts.isExportAssignment(s) || ts.isExportDeclaration(s) || ts.isImportEqualsDeclaration(s) ||
      s.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword));
}

// What is wrong with the script's syntax, or nothing.
export function wrongSyntax(file) {
  const [wrong] = file.parseDiagnostics;
  if (wrong) {
    const message = ts.flattenDiagnosticMessageText(wrong.messageText, "\n");
    return found(file, wrong.start, message, "correct the syntax at the place told", wrong.code);
  }
  if (!isOneBody(file)) {
    return found(file, HEAD.length, "the script closes a bracket it did not open", "count the brackets");
  }
  const module = firstModuleStatement(bodyOf(file));
  if (module) {
    return found(file, module.getStart(file), "a script has no imports and no exports",
      HINTS.get(module.kind) ?? "leave the word export out");
  }
  return undefined;
}

// {javascript}, or {wrong} where the script's syntax is more than JavaScript and types.
export function blank(file) {
  let unsupported;
  const javascript = blankSourceFile(file, (node) => { unsupported ??= node; });
  if (unsupported) {
    const message = "this TypeScript syntax is more than types, which is all that is taken out";
    const hint = HINTS.get(unsupported.kind) ?? "write it in plain JavaScript";
    return { wrong: found(file, unsupported.getStart(file), message, hint) };
  }
  return { javascript: javascript.slice(HEAD.length, javascript.length - TAIL.length) };
}
