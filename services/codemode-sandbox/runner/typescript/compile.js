// Bundled with the TypeScript parser into compiler.js, which the compiler zygote loads into a bare V8:
// no Node.js, no DOM. compile(source) answers {javascript} or {message, line, column, hint}.
import ts from "typescript";
import { blankSourceFile } from "ts-blank-space";

// As the executor does, so that `await` and `return` are legal and line 1 stays line 1.
const HEAD = '(async function(){"use strict";';
const TAIL = "\n})";

const OPTIONS = {
  languageVersion: ts.ScriptTarget.ES2022,
  jsDocParsingMode: ts.JSDocParsingMode.ParseNone,
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

// 1-based, in the script as it was sent.
function refused(file, position, message, hint) {
  const at = ts.getLineAndCharacterOfPosition(file, Math.min(position, file.text.length - TAIL.length));
  const column = at.line === 0 ? at.character - HEAD.length : at.character;
  return { message, line: at.line + 1, column: Math.max(column, 0) + 1, hint };
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
    ts.isImportDeclaration(s) ? !s.importClause?.isTypeOnly
    : ts.isExportAssignment(s) || ts.isExportDeclaration(s) || ts.isImportEqualsDeclaration(s) ||
      s.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword));
}

globalThis.compile = function compile(source) {
  try {
    const file = ts.createSourceFile("script.ts", HEAD + source + TAIL, OPTIONS, false, ts.ScriptKind.TS);
    const [wrong] = file.parseDiagnostics;
    if (wrong) {
      const message = ts.flattenDiagnosticMessageText(wrong.messageText, "\n");
      return refused(file, wrong.start, message, "correct the syntax at the place told");
    }
    if (!isOneBody(file)) {
      return refused(file, HEAD.length, "the script closes a bracket it did not open", "count the brackets");
    }
    const module = firstModuleStatement(file.statements[0].expression.expression.body);
    if (module) {
      return refused(file, module.getStart(file), "a script has no imports and no exports",
        HINTS.get(module.kind) ?? "leave the word export out");
    }
    let unsupported;
    const javascript = blankSourceFile(file, (node) => { unsupported ??= node; });
    if (unsupported) {
      const message = "this TypeScript syntax is more than types, which is all that is taken out";
      return refused(file, unsupported.getStart(file), message, HINTS.get(unsupported.kind) ?? "write it in plain JavaScript");
    }
    return { javascript: javascript.slice(HEAD.length, javascript.length - TAIL.length) };
  } catch (error) {
    // A RangeError of the parser: the stack ends at some thousand levels.
    return { message: "the script is nested too deeply", hint: "write it with less nesting" };
  }
};
