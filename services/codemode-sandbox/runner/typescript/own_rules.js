// Errors that the compiler lets pass and the run would not: promises in place of values, and
// declarations of what is not there.
import ts from "typescript";
import { toolsOfType } from "./calls.js";
import { bodyOf } from "./script.js";
import { isPromise, membersOf } from "./types.js";

export const AWAIT = "await it first: `await …`";

class OwnRules {
  constructor(file, { checker }) {
    this.file = file;
    this.checker = checker;
    this.found = [];
  }

  isPromise(node) {
    return membersOf(this.checker.getTypeAtLocation(node)).every(isPromise);
  }

  promise(node) {
    this.found.push([node, "a promise is used where its value is wanted: it is not awaited", AWAIT]);
  }

  visit(node) {
    if (ts.isTemplateSpan(node) && this.isPromise(node.expression)) {
      this.promise(node.expression);
    } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
      this.visitSum(node);
    } else if (ts.isCallExpression(node)) {
      this.visitCall(node);
    } else if (ts.isFunctionDeclaration(node) && !node.body) {
      this.visitBodiless(node);
    }
    const declared = ts.canHaveModifiers(node) && node.modifiers?.find((m) => m.kind === ts.SyntaxKind.DeclareKeyword);
    if (declared) {
      this.found.push([declared, "declares what is not there when the script runs", "leave it out: the tools are known"]);
    }
    ts.forEachChild(node, (child) => this.visit(child));
  }

  visitSum({ left, right }) {
    const string = (n) => (this.checker.getTypeAtLocation(n).flags & ts.TypeFlags.StringLike) !== 0;
    if ((string(left) && this.isPromise(right)) || (string(right) && this.isPromise(left))) {
      this.promise(string(left) ? right : left);
    }
  }

  visitCall(node) {
    const [first] = node.arguments;
    if (first === undefined) {
      return;
    }
    if (node.expression.getText(this.file) === "JSON.stringify" && this.isPromise(first)) {
      this.promise(first);
    } else if (ts.isObjectLiteralExpression(first) &&
               toolsOfType(this.checker.getTypeAtLocation(node.expression)).length > 0) {
      first.properties.filter(ts.isPropertyAssignment).filter((p) => this.isPromise(p.initializer))
        .forEach((p) => this.promise(p.initializer));
    }
  }

  visitBodiless(node) {
    const declarations = node.name ? this.checker.getSymbolAtLocation(node.name)?.declarations ?? [] : [];
    if (!declarations.some((d) => d.body)) {
      this.found.push([node, "a function without a body", "write its body, or leave it out"]);
    }
  }
}

// { start, blocks, code, message, hint } of each. faults: of calls.js.
export function ownFindings(file, checked, faults) {
  const rules = new OwnRules(file, checked);
  rules.visit(bodyOf(file));
  return [...faults, ...rules.found].map(([node, message, hint]) =>
    ({ start: node.getStart(file), blocks: true, code: 0, message, hint }));
}
