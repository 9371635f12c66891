// The calls of tools that a script can make, and its escapes: uses of a server or a tool after which
// the calls cannot be listed. Both by the symbols that names resolve to.
import ts from "typescript";
import { DECLARATIONS_NAME } from "./checker.js";
import { HEAD, bodyOf, placeOf } from "./script.js";
import { membersOf } from "./types.js";

// Source: codemode.proto, Check.
const CALLS_MAX = 256;
const ESCAPES_MAX = 20;

const BY_NAME = "name the tool where it is called: ";
const HINTS = {
  argument: "call the tool at this place and pass on its result, or let the helper name the server itself",
  cast: "call the tool without a cast; its result can be cast",
  computed: "write the tool's name as a literal, or choose with a condition: if (…) a.x(…) else a.y(…)",
  let: "declare it with const",
  rest: "name each tool in the pattern: const { search, get } = server",
  value: "call the tool inside a function of your own: (item) => server.tool({ … })",
  whole: "use the server only as server.tool({ … }), and call each tool by its name",
  globalThis: "tools are global names: write server.tool({ … })",
  this: "at the top of a script `this` is undefined: name the tool or the variable itself",
  comment: "take the comment out and correct what the check tells",
  many: "make the calls in a loop, or in several scripts",
};

// The tool that a signature of the declarations is for: { server, tool }.
function toolOf(declaration) {
  if (declaration?.getSourceFile().fileName !== DECLARATIONS_NAME) {
    return undefined;
  }
  const member = ts.isMethodSignature(declaration) ? declaration
    : ts.findAncestor(declaration, (n) => ts.isPropertySignature(n) || ts.isMethodSignature(n));
  const variable = member?.parent?.parent;
  return variable && ts.isVariableDeclaration(variable) && variable.name.kind === ts.SyntaxKind.Identifier
    ? { server: variable.name.text, tool: member.name.text } : undefined;
}

export function toolsOfType(type) {
  return membersOf(type).flatMap((t) => t.getCallSignatures()).map((s) => toolOf(s.declaration)).filter(Boolean);
}

function isToolMember(member) {
  return ts.isMethodSignature(member) || (ts.isPropertySignature(member) && member.type !== undefined &&
    ts.isFunctionTypeNode(ts.skipTypeParentheses?.(member.type) ?? member.type));
}

// Top-level constants of the declarations: name -> { name, symbol, tools }.
function serversOf({ checker, declarations }) {
  const servers = new Map();
  for (const statement of declarations.statements.filter(ts.isVariableStatement)) {
    for (const { name, type } of statement.declarationList.declarations) {
      const members = type && ts.isTypeLiteralNode(type) ? type.members : [];
      const tools = new Set(members.filter(isToolMember).map((m) => m.name.text));
      servers.set(name.text, { name: name.text, symbol: checker.getSymbolAtLocation(name), tools });
    }
  }
  return servers;
}

// Names that are no reference to a variable: `name` of x.name, of a declaration, of a property.
function isOnlyAName(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isBindingElement(parent)) {
    return parent.name === node || parent.propertyName === node;
  }
  return (ts.isDeclaration(parent) && parent.name === node && !ts.isShorthandPropertyAssignment(parent)) ||
    ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent) || ts.isQualifiedName(parent);
}

function unwrapped(node) {
  let at = node;
  while (ts.isParenthesizedExpression(at.parent) || ts.isNonNullExpression(at.parent)) {
    at = at.parent;
  }
  return at;
}

function isRepeated(node, wrapper) {
  for (let at = node; at.parent !== wrapper && at.parent; at = at.parent) {
    const { parent } = at;
    if (ts.isForOfStatement(parent) || ts.isForInStatement(parent)) {
      if (at === parent.statement) return true;
    } else if (ts.isForStatement(parent)) {
      if (at !== parent.initializer) return true;
    } else if (ts.isIterationStatement(parent, false)) {
      return true;
    }
  }
  return false;
}

class Analysis {
  constructor(file, checked) {
    this.file = file;
    this.checker = checked.checker;
    this.wrapper = bodyOf(file).parent;
    this.servers = serversOf(checked);
    this.names = new Map();    // text -> identifiers that may refer to a variable
    this.callNodes = [];
    this.calls = new Map();    // "position server tool" -> call
    this.escapes = new Map();  // "position reason" -> escape
    this.faults = [];          // what the types let pass and the run would not: [node, message, hint]
    this.queue = [];           // [name, symbol, use]
  }

  run(directives) {
    this.collect(this.wrapper.body);
    for (const { pos } of directives.map((d) => d.range)) {
      this.escape(pos, "a comment that hides errors from the check", HINTS.comment);
    }
    for (const server of this.servers.values()) {
      this.queue.push([server.name, server.symbol, (node) => this.useServer(node, server)]);
    }
    for (let at = 0; at < this.queue.length; ++at) {
      const [name, symbol, use] = this.queue[at];
      for (const node of this.names.get(name) ?? []) {
        if (this.symbolOf(node) === symbol) {
          use(unwrapped(node));
        }
      }
    }
    for (const node of this.callNodes) {
      for (const { server, tool } of toolsOfType(this.checker.getTypeAtLocation(node.expression))) {
        this.call(node, server, tool);
      }
    }
  }

  collect(node) {
    if (ts.isIdentifier(node)) {
      if (node.text === "globalThis" && !isOnlyAName(node)) {
        this.escape(node.getStart(this.file), "globalThis", HINTS.globalThis);
      } else if (!isOnlyAName(node) && !ts.isPartOfTypeNode(node) && !ts.isInTypeQuery(node)) {
        const same = this.names.get(node.text);
        same ? same.push(node) : this.names.set(node.text, [node]);
      }
    } else if (node.kind === ts.SyntaxKind.ThisKeyword) {
      if (ts.getThisContainer(node, false, false) === this.wrapper) {
        this.escape(node.getStart(this.file), "`this` outside of a function", HINTS.this);
      }
    } else if (ts.isCallExpression(node)) {
      this.callNodes.push(node);
    }
    ts.forEachChild(node, (child) => this.collect(child));
  }

  symbolOf(node) {
    return ts.isShorthandPropertyAssignment(node.parent)
      ? this.checker.getShorthandAssignmentValueSymbol(node.parent) : this.checker.getSymbolAtLocation(node);
  }

  call(node, server, tool) {
    const position = node.getStart(this.file);
    const key = `${position} ${node.end} ${server} ${tool}`;
    if (!this.calls.has(key)) {
      const { line, column } = placeOf(this.file, position);
      const within = ts.getContainingFunction(node) ?? this.wrapper;
      this.calls.set(key, { position, server, tool, line, column,
        in_function: within !== this.wrapper, in_loop: isRepeated(node, this.wrapper) });
    }
  }

  escape(position, reason, hint) {
    const key = `${position} ${reason}`;
    if (!this.escapes.has(key)) {
      this.escapes.set(key, { position, reason, hint, ...placeOf(this.file, position) });
    }
  }

  escapeAt(node, reason, hint) {
    this.escape(node.getStart(this.file), reason, hint);
  }

  // node: an expression whose value is the server.
  useServer(node, server) {
    const { parent } = node;
    const { name } = server;
    if (ts.isPropertyAccessExpression(parent)) {
      this.useMembers(parent, server, [parent.name.text]);
    } else if (ts.isElementAccessExpression(parent) && parent.expression === node) {
      const keys = this.keysOf(parent.argumentExpression);
      if (keys) {
        this.useMembers(parent, server, keys);
      } else {
        this.escapeAt(parent, `${name}[…] with a name that is computed`, HINTS.computed);
      }
    } else if (ts.isVariableDeclaration(parent) && parent.initializer === node) {
      this.declareServer(parent, server);
    } else if (!ts.isTypeOfExpression(parent)) {
      this.leakServer(node, server);
    }
  }

  // Names that an expression can be; nothing when its type is not made of literals.
  keysOf(expression) {
    const members = membersOf(this.checker.getTypeAtLocation(expression));
    return members.every((t) => t.isStringLiteral()) ? members.map((t) => t.value) : undefined;
  }

  useMembers(node, server, keys) {
    for (const key of keys.filter((k) => !server.tools.has(k))) {
      if (ts.isElementAccessExpression(node)) {
        this.faults.push([node.argumentExpression, `${server.name} has no tool "${key}"`, toolsHint(server)]);
      }
    }
    const known = keys.filter((k) => server.tools.has(k));
    if (known.length > 0) {
      this.useTools(unwrapped(node), server, known);
    }
  }

  declareServer(declaration, server) {
    const { name, type } = declaration;
    if (type && !ts.isTypeQueryNode(type)) {
      this.escapeAt(declaration, `${server.name} under a type of your own`, HINTS.cast);
    }
    if (ts.isIdentifier(name)) {
      this.follow(name, server.name, (node) => this.useServer(node, server));
    } else if (ts.isObjectBindingPattern(name)) {
      name.elements.forEach((element) => this.declareMember(element, server));
    } else {
      this.escapeAt(name, `${server.name} taken apart as an array`, HINTS.whole);
    }
  }

  declareMember(element, server) {
    const key = element.propertyName ?? element.name;
    if (element.dotDotDotToken) {
      this.escapeAt(element, `the rest of ${server.name}`, HINTS.rest);
      this.follow(element.name, server.name, (node) => this.useServer(node, server));
      return;
    }
    const keys = ts.isComputedPropertyName(key) ? this.keysOf(key.expression) : [key.text];
    if (!keys || !ts.isIdentifier(element.name)) {
      this.escapeAt(element, `a part of ${server.name} that is computed or taken apart`, HINTS.computed);
      return;
    }
    const known = keys.filter((k) => server.tools.has(k));
    if (known.length > 0) {
      this.follow(element.name, `${server.name}.${known[0]}`, (node) => this.useTools(node, server, known));
    }
  }

  // From here on the variable's references are uses of what it holds.
  follow(name, what, use) {
    const symbol = this.checker.getSymbolAtLocation(name);
    const constant = (ts.getCombinedNodeFlags(name.parent) & ts.NodeFlags.BlockScoped) === ts.NodeFlags.Const;
    this.queue.push([name.text, symbol, (node) => {
      if (!constant && ts.isAssignmentTarget(node)) {
        this.escapeAt(node, `${name.text}, which is ${what}, is assigned again`, HINTS.let);
      } else {
        use(node);
      }
    }]);
  }

  leakServer(node, server) {
    const { parent } = node;
    const { name } = server;
    if (ts.isAssertionExpression(parent) || ts.isSatisfiesExpression(parent)) {
      this.escapeAt(node, `${name} under another type`, HINTS.cast);
    } else if (ts.isCallOrNewExpression(parent) && parent.expression !== node) {
      const callee = parent.expression.getText(this.file).slice(0, 60);
      this.escapeAt(node, `${name} is passed to ${callee}`, HINTS.argument);
      if (/^Object\s*\.\s*(entries|values|assign|fromEntries)$/.test(callee)) {
        server.tools.forEach((tool) => this.call(parent, name, tool));
      }
    } else if (ts.isSpreadAssignment(parent) || ts.isSpreadElement(parent)) {
      this.escapeAt(node, `${name} is copied`, HINTS.whole);
      server.tools.forEach((tool) => this.call(parent, name, tool));
    } else {
      this.escapeAt(node, `${name} is used as a value`, HINTS.whole);
    }
  }

  // node: an expression whose value is one of the tools.
  useTools(node, server, tools) {
    const { parent } = node;
    if (ts.isCallExpression(parent) && parent.expression === node) {
      tools.forEach((tool) => this.call(parent, server.name, tool));
    } else if (ts.isVariableDeclaration(parent) && parent.initializer === node && ts.isIdentifier(parent.name) &&
               !parent.type) {
      this.follow(parent.name, `${server.name}.${tools[0]}`, (use) => this.useTools(use, server, tools));
    } else if (!ts.isTypeOfExpression(parent)) {
      this.leakTools(node, server, tools);
    }
  }

  leakTools(node, server, tools) {
    const name = `${server.name}.${tools[0]}`;
    if (ts.isAssignmentTarget(node) || ts.isDeleteExpression(node.parent)) {
      this.faults.push([node, `${name} cannot be changed`, "declare a variable of your own under another name"]);
    }
    const [reason, hint] = ts.isAssertionExpression(node.parent)
      ? [`${name} under another type`, HINTS.cast] : [`${name} is used as a value`, HINTS.value];
    this.escapeAt(node, reason, hint);
    tools.forEach((tool) => this.call(node, server.name, tool));
  }
}

function toolsHint(server) {
  const names = [...server.tools].slice(0, 20).join(", ");
  return `tools of ${server.name}: ${names}${server.tools.size > 20 ? ", …" : ""}`;
}

// Comments that TypeScript reads at the top of a file only, where a script's are not.
function noCheckComments(file) {
  return [...file.text.matchAll(/@ts-nocheck\b/g)].filter((m) => ts.isInComment(file, m.index))
    .map((m) => ({ range: { pos: m.index } }));
}

function inOrder(found, limit) {
  return [...found.values()].sort((a, b) => a.position - b.position).slice(0, limit)
    .map(({ position, ...rest }) => rest);
}

// { calls, escapes, faults }: all in the order of the source.
export function callsAndEscapes(file, checked, directives) {
  const analysis = new Analysis(file, checked);
  analysis.run([...directives, ...noCheckComments(file)]);
  if (analysis.calls.size > CALLS_MAX) {
    analysis.escape(HEAD.length, `more than ${CALLS_MAX} calls, too many to list`, HINTS.many);
  }
  return {
    calls: inOrder(analysis.calls, CALLS_MAX),
    escapes: inOrder(analysis.escapes, ESCAPES_MAX),
    faults: analysis.faults,
  };
}
