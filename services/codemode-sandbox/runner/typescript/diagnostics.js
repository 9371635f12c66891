// Which of the compiler's errors block a script: those that are provable. The rest are warnings.
import ts from "typescript";
import { toolsOfType } from "./calls.js";
import { AWAIT, ownFindings } from "./own_rules.js";
import { placeOf } from "./script.js";
import { Comparison, isClassOrLiteral, isNullish, isOfScript, isOfTools, isPrimitive, isPromise, isUnknowable,
  membersOf } from "./types.js";

// Source: codemode.proto, Check and Diagnostic; the runner cuts again, by bytes.
const DIAGNOSTICS_MAX = 20;
const MESSAGE_CHARACTERS_MAX = 900;
const TYPE_CHARACTERS_MAX = 400;
const NAMES_MAX = 20;

// Errors of grammar end a script in V8 as well, except those of types alone.
const GRAMMAR = [1000, 1999];
const GRAMMAR_OF_TYPES = new Set([1055, 1058, 1059, 1060, 1062, 1064, 1065, 1110, 1117, 1219, 1238, 1239, 1240, 1241,
  1254, 1270, 1271, 1320, 1321, 1322, 1345, 1360, 1361]);
const isImplicit = (code) => code >= 7000 && code <= 7999;
const isRegExpGrammar = (code) => code >= 1499 && code <= 1540;

const BLOCKING = new Set([
  2301, 2376, 2377, 17009, 17011, 2335, 2336, 2337, 2338,  // super and this in constructors
  2364, 2357, 2487, 2406, 2777, 2778, 2779, 2780, 2781,    // what cannot be assigned to
  2448, 2449, 2451, 2588,                                  // used before it is there, declared twice, constant
  2307, 2792, 18004, 18013, 18016,                         // modules, shorthands, private names
  2389, 2391, 2371,                                        // functions without a body
  2321, 2563, 2589, 2590, 2799,                            // types nobody can work out
]);
const TOO_COMPLEX = new Set([2321, 2563, 2589, 2590, 2799]);

const NAMES = new Set([2304, 2552, 2580, 2581, 2582, 2583, 2584, 2585, 2591, 2592, 2593, 2662, 2663, 2693, 2868]);
const PROPERTIES = new Set([2339, 2551, 2550, 2568, 2570]);
const ASSIGNMENTS = new Set([2322, 2345, 2739, 2740, 2741, 2559, 2560, 2326, 2769]);
const EXCESS = new Set([2353, 2561]);
const CALLS = new Set([2349, 2351, 2723, 2757]);
const COUNTS = new Set([2554, 2555]);
const ITERATIONS = new Set([2488, 2461, 2495, 2497, 2504, 2548, 2549, 2569, 2763, 2764, 2765, 2766]);
const OPERATORS = new Set([2362, 2363, 2365, 2367, 2801]);

const ABSENT = {
  __proto__: null,
  eval: "code from text is not run: write the code itself",
  Function: "code from text is not run: write a function",
  fetch: "scripts have no network: call a tool",
  XMLHttpRequest: "scripts have no network: call a tool",
  require: "there are no modules: the tools are global",
  process: "scripts have no process and no files: call a tool",
  Buffer: "scripts run without Node.js: use strings and Uint8Array",
  setTimeout: "there are no timers: await what the script waits for",
  setInterval: "there are no timers: await what the script waits for",
  setImmediate: "there are no timers: await what the script waits for",
  WebAssembly: "code from bytes is not run", SharedArrayBuffer: "memory is not shared: use ArrayBuffer",
  Atomics: "memory is not shared", WeakRef: "use the value itself", FinalizationRegistry: "use try and finally",
  window: "scripts run without a browser: call a tool", document: "scripts run without a browser: call a tool",
};

const HINTS_BY_CODE = {
  1308: "make the function around it async",
  1103: "make the function around it async",
  2307: "there are no modules: the tools are global",
  2588: "declare it with let, or use another variable",
};

class Judge {
  constructor(file, { checker, declarations }) {
    this.file = file;
    this.checker = checker;
    this.declarations = declarations;
  }

  typeOf(node) {
    return this.checker.getTypeAtLocation(node);
  }

  // The outermost node of exactly the diagnostic's text.
  nodeOf({ start, length }) {
    let node = ts.getTokenAtPosition(this.file, start);
    while (node.parent && node.parent.getStart(this.file) === start && node.parent.end <= start + length) {
      node = node.parent;
    }
    return node;
  }

  // { blocks, hint }, or nothing for what is not worth a word.
  judge(diagnostic) {
    const { code } = diagnostic;
    const node = this.nodeOf(diagnostic);
    if (NAMES.has(code)) return this.ofName(node, code);
    if (PROPERTIES.has(code)) return this.ofProperty(node, code);
    if (ASSIGNMENTS.has(code)) return this.ofAssignment(node);
    if (EXCESS.has(code)) return this.ofExcess(node);
    if (CALLS.has(code)) return this.ofCall(node);
    if (COUNTS.has(code)) return this.ofCount(node, diagnostic);
    if (ITERATIONS.has(code)) return this.ofIteration(node);
    if (OPERATORS.has(code)) return this.ofOperator(node);
    if (code === 2540) {
      const receiver = node.parent.expression;
      return { blocks: receiver !== undefined && isOfTools(this.typeOf(receiver)) };
    }
    if (code === 2683 || isImplicit(code)) return undefined;
    if (TOO_COMPLEX.has(code)) return { blocks: true, hint: "write simpler types and smaller functions" };
    const grammar = (code >= GRAMMAR[0] && code <= GRAMMAR[1] && !isRegExpGrammar(code) && !GRAMMAR_OF_TYPES.has(code));
    return { blocks: BLOCKING.has(code) || grammar, hint: HINTS_BY_CODE[code] };
  }

  ofName(node, code) {
    const name = node.text ?? node.getText(this.file);
    const asked = new RegExp(`typeof\\s*\\(?\\s*${name.replace(/\W/g, "\\$&")}\\b`);
    const isType = ts.isPartOfTypeNode(node) || ts.isInTypeQuery(node);
    if (ts.isTypeOfExpression(node.parent)) {
      return undefined;
    }
    return { blocks: !isType && !asked.test(this.file.text),
      message: code === 2552 || code === 2693 ? undefined : `Cannot find name '${name}'.`,
      hint: ABSENT[name] ?? (isType || code === 2693 ? "" : this.serversHint()) };
  }

  serversHint() {
    const names = this.declarations.statements.filter(ts.isVariableStatement)
      .flatMap((s) => s.declarationList.declarations.map((d) => d.name.text));
    return cut(`servers are ${names.slice(0, NAMES_MAX).join(", ")}`, TYPE_CHARACTERS_MAX);
  }

  ofProperty(node, code) {
    const parent = ts.isBindingElement(node) ? node : node.parent;
    const taken = ts.isBindingElement(parent) && ts.isVariableDeclaration(parent.parent.parent)
      ? parent.parent.parent.initializer : undefined;
    const receiver = taken ?? (ts.isPropertyAccessExpression(parent) || ts.isElementAccessExpression(parent)
      ? parent.expression : undefined);
    if (receiver === undefined) {
      return { blocks: false };
    }
    const type = this.checker.getNonNullableType(this.typeOf(receiver));
    const members = membersOf(type);
    if (members.some(isPromise)) {
      return { blocks: members.every(isPromise), hint: AWAIT };
    }
    const name = (ts.isBindingElement(node) ? node.propertyName ?? node.name : node).text ?? "";
    const written = ts.isAssignmentTarget(parent);
    const blocks = members.every((t) => this.lacks(t, name, code, written));
    if (code === 2550) {
      return { blocks, hint: "this engine may not have it: write it with what lib.es2022 has" };
    }
    const server = members.length === 1 ? serverNameOf(type) : undefined;
    return {
      blocks,
      message: server && `${server} has no tool '${name}'`,
      hint: code === 2339 && members.every(isOfTools) ? this.membersHint(type, name) : "",
    };
  }

  // What the tools' declarations have instead.
  membersHint(type, name) {
    const names = type.getProperties().map((p) => p.name).filter((n) => n !== "~");
    const same = names.find((n) => spelling(n) === spelling(name));
    return same ? `write ${same}` : cut(`it has ${names.slice(0, NAMES_MAX).join(", ")}`, TYPE_CHARACTERS_MAX);
  }

  // Values of the type have no such property, whatever the script does.
  lacks(type, name, code, written) {
    if (isUnknowable(type) || this.checker.getPropertyOfType(type, name) !== undefined) {
      return false;
    }
    if (type.isIntersection()) {
      return type.types.every((t) => this.lacks(t, name, code, written));
    }
    if (isPrimitive(type)) {
      const apparent = this.checker.getApparentType(type).symbol?.name;
      return !isBuiltIn(apparent, name);
    }
    if (isOfTools(type)) {
      return !written || toolsOfMembers(this.checker, type);
    }
    if (isOfScript(type)) {
      return isClassOrLiteral(type) && code === 2551 && !new RegExp(`\\.\\s*${name}\\s*=`).test(this.file.text);
    }
    const open = ["Error", "Object", "Function", "CallableFunction", "NewableFunction"];
    const isError = this.checker.getPropertyOfType(type, "stack") !== undefined;
    return !written && type.symbol !== undefined && !open.includes(type.symbol.name) && !isError &&
      !isBuiltIn(type.symbol.name, name);
  }

  // The call of a tool in whose arguments the node is.
  toolCallAround(node) {
    for (let at = node; at.parent && !ts.isFunctionLike(at); at = at.parent) {
      const call = at.parent;
      if (ts.isCallExpression(call) && call.arguments.includes(at)) {
        const tools = toolsOfType(this.typeOf(call.expression));
        return tools.length > 0 ? { call, argument: at, tools } : undefined;
      }
    }
    return undefined;
  }

  signatureHint(call, tools) {
    const parameter = this.checker.getResolvedSignature(call)?.parameters[0];
    if (!parameter || tools.length !== 1) {
      return "";
    }
    const type = this.checker.typeToString(this.checker.getTypeOfSymbolAtLocation(parameter, call), undefined,
      ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias);
    const text = type.replace(/(\?: [^;{}]*?) \| undefined/g, "$1");
    return `${tools[0].server}.${tools[0].tool} takes ${cut(text, TYPE_CHARACTERS_MAX)}`;
  }

  ofAssignment(node) {
    const around = this.toolCallAround(node);
    if (around) {
      const { call, argument, tools } = around;
      const target = this.parameterOf(call, call.arguments.indexOf(argument));
      const source = this.typeOf(argument);
      const blocks = target !== undefined && new Comparison(this.checker, call).isWrong(source, target, true);
      return { blocks, hint: this.promiseIn(node) ? AWAIT : this.signatureHint(call, tools) };
    }
    const pair = this.pairAt(node);
    if (!pair?.source || !pair.target) {
      return { blocks: false };
    }
    const blocks = new Comparison(this.checker, node).isWrong(pair.source, pair.target, false);
    return { blocks, hint: isPromise(pair.source) ? AWAIT : "" };
  }

  promiseIn(node) {
    const { parent } = node;
    const value = ts.isPropertyAssignment(parent) && parent.name === node ? parent.initializer
      : ts.isShorthandPropertyAssignment(node) ? node.name : node;
    return (ts.isExpressionNode(value) || ts.isIdentifier(value)) && isPromise(this.typeOf(value));
  }

  parameterOf(call, index) {
    const parameters = this.checker.getResolvedSignature(call)?.parameters ?? [];
    const parameter = parameters[Math.min(index, parameters.length - 1)];
    if (parameter === undefined) {
      return undefined;
    }
    const type = this.checker.getTypeOfSymbolAtLocation(parameter, call);
    const isRest = parameter.valueDeclaration?.dotDotDotToken !== undefined;
    return isRest ? this.checker.getIndexTypeOfType(type, ts.IndexKind.Number) : type;
  }

  // What is given and what is wanted where the compiler found them to differ.
  pairAt(node) {
    const { parent } = node;
    const contextual = (value) => ({ source: this.typeOf(value), target: this.checker.getContextualType(value) });
    const returned = ts.isReturnStatement(node) ? node : ts.isReturnStatement(parent) ? parent : undefined;
    if (returned) {
      return returned.expression && contextual(returned.expression);
    }
    if (ts.isVariableDeclaration(parent) && parent.name === node) {
      return parent.initializer && { source: this.typeOf(parent.initializer), target: this.typeOf(node) };
    }
    if (ts.isPropertyAssignment(parent) && parent.name === node) {
      return contextual(parent.initializer);
    }
    if (ts.isBinaryExpression(parent) && parent.left === node) {
      return { source: this.typeOf(parent.right), target: this.typeOf(node) };
    }
    if ((ts.isCallExpression(parent) || ts.isNewExpression(parent)) && parent.arguments?.includes(node)) {
      return { source: this.typeOf(node), target: this.parameterOf(parent, parent.arguments.indexOf(node)) };
    }
    return ts.isExpressionNode(node) ? contextual(node) : undefined;
  }

  ofExcess(node) {
    const literal = ts.findAncestor(node, ts.isObjectLiteralExpression);
    const target = literal && this.checker.getContextualType(literal);
    const around = this.toolCallAround(node);
    return {
      blocks: target !== undefined && membersOf(target).every((t) => isNullish(t) || isOfTools(t)),
      hint: around ? this.signatureHint(around.call, around.tools) : "",
    };
  }

  ofCall(node) {
    const callee = ts.isCallOrNewExpression(node) ? node.expression : node;
    const members = membersOf(this.checker.getNonNullableType(this.typeOf(callee)));
    const cannot = (t) => isPrimitive(t) || (!isUnknowable(t) && t.getCallSignatures().length === 0 &&
      t.getConstructSignatures().length === 0 && (!isOfScript(t) || isClassOrLiteral(t)));
    const absent = ABSENT[callee.text];
    const server = members.length === 1 ? serverNameOf(members[0]) : undefined;
    if (server) {
      return { blocks: true, message: `${server} is a server, not a tool`, hint: this.membersHint(members[0], "") };
    }
    return { blocks: members.every(cannot), hint: members.some(isPromise) ? AWAIT : absent ?? "" };
  }

  ofCount(node, { messageText }) {
    const call = ts.findAncestor(node, ts.isCallOrNewExpression);
    const declaration = call && this.checker.getResolvedSignature(call)?.declaration;
    if (!declaration) {
      return { blocks: false };
    }
    const tools = toolsOfType(this.typeOf(call.expression));
    if (tools.length > 0) {
      return { blocks: true, hint: this.signatureHint(call, tools) };
    }
    const [, wanted, given] = /(\d+).*?(\d+)\.?$/.exec(String(messageText)) ?? [];
    return { blocks: declaration.getSourceFile() !== this.file && Number(given) < Number(wanted) };
  }

  ofIteration(node) {
    const members = membersOf(this.checker.getNonNullableType(this.typeOf(node)));
    const cannot = (t) => isPromise(t) || isOfTools(t) || (isPrimitive(t) && (t.flags & ts.TypeFlags.StringLike) === 0);
    return { blocks: members.every(cannot), hint: members.some(isPromise) ? AWAIT : "" };
  }

  ofOperator(node) {
    const operands = ts.isBinaryExpression(node) ? [node.left, node.right]
      : ts.isBinaryExpression(node.parent) ? [node.parent.left, node.parent.right] : [node];
    return operands.some((o) => isPromise(this.typeOf(o))) ? { blocks: true, hint: AWAIT } : { blocks: false };
  }
}

// Of the type of a server: the constant that has it.
function serverNameOf(type) {
  const literal = type.symbol?.declarations?.[0];
  return isOfTools(type) && literal && ts.isTypeLiteralNode(literal) && ts.isVariableDeclaration(literal.parent)
    ? literal.parent.name.text : undefined;
}

// Equal for names that are the same but for case, order and separators.
function spelling(name) {
  return [...name.toLowerCase().replace(/[^a-z0-9]/g, "")].sort().join("");
}

function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

// This engine has it, whatever the library says.
function isBuiltIn(typeName, name) {
  const owner = globalThis[String(typeName).replace(/Constructor$/, "")];
  const holder = String(typeName).endsWith("Constructor") ? owner : owner?.prototype;
  return holder !== undefined && holder !== null && Object.hasOwn(holder, name);
}

function toolsOfMembers(checker, type) {
  return type.getProperties().some((p) => p.valueDeclaration &&
    toolsOfType(checker.getTypeOfSymbolAtLocation(p, p.valueDeclaration)).length > 0);
}

// At most 20, the blocking ones first, each kind in the order of the source. faults: of calls.js.
export function diagnosticsOf(file, checked, faults) {
  const judge = new Judge(file, checked);
  const found = ownFindings(file, checked, faults);
  for (const diagnostic of checked.program.getSemanticDiagnostics(file)) {
    const judged = diagnostic.start === undefined ? undefined : judge.judge(diagnostic);
    if (judged) {
      const message = judged.message ?? ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n");
      found.push({ start: diagnostic.start, code: diagnostic.code, message: cut(message, MESSAGE_CHARACTERS_MAX),
        blocks: judged.blocks, hint: suggestionOf(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")) || judged.hint || "" });
    }
  }
  const seen = new Set();
  return found
    .sort((a, b) => Number(b.blocks) - Number(a.blocks) || a.start - b.start)
    .filter(({ start }) => !seen.has(start) && seen.add(start))
    .slice(0, DIAGNOSTICS_MAX)
    .map(({ start, ...rest }) => ({ ...rest, ...placeOf(file, start) }));
}

function suggestionOf(message) {
  const [, name] = /Did you mean (?:to write )?'([^']+)'\?/.exec(message) ?? [];
  return name ? `write ${name}` : "";
}
