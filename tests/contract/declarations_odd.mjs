// Tools whose names, texts or schemas are odd or hostile, with arguments that must pass the compiler and such that must not.
const object = (properties, more = {}) => ({ type: "object", properties, ...more });
const closed = (properties, more = {}) => object(properties, { additionalProperties: false, ...more });

// 2^20 paths if written out.
const chain = Object.fromEntries(Array.from({ length: 20 }, (_, i) =>
  [`n${i}`, i === 19 ? { type: "string" } : { type: "array", prefixItems: [{ $ref: `#/$defs/n${i + 1}` }, { $ref: `#/$defs/n${i + 1}` }] }]));
const wide = (name) => ({ oneOf: Array.from({ length: 30 }, (_, i) => closed({ [name]: { const: i } }, { required: [name] })) });
const deep = Array.from({ length: 25 }).reduce((inner) => object({ in: inner }), { type: "string" });

export const oddTools = [
  { name: "new", inputSchema: closed({ delete: { type: "string" } }), accepts: [{ delete: "x" }, {}], refuses: [{ remove: 1 }, { delete: 1 }] },
  { name: "delete", inputSchema: closed({}), accepts: [{}], refuses: [{ path: "x" }] },
  { name: "get", inputSchema: object({}), accepts: [{}, { a: 1 }] },
  { name: "set", inputSchema: true, accepts: [{}] },
  { name: "readonly", accepts: [{ a: 1 }, 5] },
  { name: "async", inputSchema: object({ args: { type: "integer" } }, { required: ["args"] }), accepts: [{ args: 1, x: 2 }], refuses: [{}, { args: "1" }] },
  { name: "constructor", inputSchema: object({ constructor: { type: "string" } }), accepts: [{ constructor: "x" }] },
  { name: "static", inputSchema: object({}) },
  { name: "declare", inputSchema: object({}) },
  { name: "then", inputSchema: object({}) },
  { name: "__proto__", inputSchema: object({}) },
  { name: "toString", inputSchema: closed({ a: { type: "string" } }), accepts: [{ a: "" }] },
  { name: "a-b", inputSchema: object({}) },
  { name: "a_b", inputSchema: object({}) },
  { name: "a.b", inputSchema: object({}) },
  { name: "1st", inputSchema: object({}) },
  { name: "größe 📏", inputSchema: object({}) },
  { name: "~", inputSchema: object({}) },
  { name: "*/ }; declare const evil: number; /*", description: "*/ }; declare const evil: number; /* \u202e @ts-nocheck\n// @ts-ignore", inputSchema: object({}) },
  {
    name: "hostile_keys",
    inputSchema: closed({ "*/": { type: "string", description: "*/ } evil: {" }, "a\"; b": { enum: ["\"; }", "\\", "\n", "\u2028"] }, "__proto__ ": { type: "null" } }),
    accepts: [{ "*/": "x", "a\"; b": "\"; }" }, { "a\"; b": "\u2028", "__proto__ ": null }], refuses: [{ "a\"; b": "x" }],
  },
  {
    name: "tree",
    inputSchema: closed({ root: { $ref: "#/$defs/node" } }, {
      required: ["root"],
      $defs: { node: closed({ value: { type: "string" }, children: { type: "array", items: { $ref: "#/$defs/node" } } }, { required: ["value"] }) },
    }),
    accepts: [{ root: { value: "a", children: [{ value: "b", children: [] }] } }],
    refuses: [{ root: { value: "a", children: [{ valu: "b" }] } }, { root: { children: [] } }],
  },
  {
    name: "other_tree",
    inputSchema: object({ root: { $ref: "#/definitions/node" } }, { definitions: { node: object({ next: { anyOf: [{ $ref: "#/definitions/node" }, { type: "null" }] } }) } }),
    accepts: [{ root: { next: { next: null } } }], refuses: [{ root: { next: 5 } }],
  },
  { name: "self", inputSchema: object({ inner: { $ref: "#" } }), accepts: [{ inner: { inner: {} } }], refuses: [{ inner: { inner: 3 } }] },
  { name: "circular", inputSchema: object({ x: { $ref: "#/$defs/a" } }, { $defs: { a: { $ref: "#/$defs/b" }, b: { anyOf: [{ $ref: "#/$defs/a" }, { type: "string" }] } } }), accepts: [{ x: 1 }] },
  {
    name: "json",
    inputSchema: object({ value: { $ref: "#/$defs/json" } }, {
      $defs: { json: { anyOf: [{ type: ["string", "number", "boolean", "null"] }, { type: "array", items: { $ref: "#/$defs/json" } }, { type: "object", additionalProperties: { $ref: "#/$defs/json" } }] } },
    }),
    accepts: [{ value: [1, { a: [null, "x"] }] }],
  },
  { name: "nowhere", inputSchema: object({ x: { $ref: "https://example.com/s.json" }, y: { $ref: "#/$defs/none" } }), accepts: [{ x: 1, y: {} }] },
  { name: "chain", inputSchema: object({ x: { $ref: "#/$defs/n0" } }, { $defs: chain }), accepts: [{ x: [] }] },
  { name: "explosion", inputSchema: object({ x: { allOf: [wide("a"), wide("b"), wide("c"), wide("d")] } }), accepts: [{ x: { a: 1, b: 2, c: 3, d: 4 } }] },
  { name: "deep", inputSchema: deep, accepts: [{ in: { in: { in: {} } } }] },
  { name: "wide_enum", inputSchema: object({ x: { enum: Array.from({ length: 500 }, (_, i) => `v${i}`) } }), accepts: [{ x: "v499" }], refuses: [{ x: 5 }] },
  { name: "nullable", inputSchema: object({ x: { type: "string", nullable: true }, y: { enum: ["a"], nullable: true } }), accepts: [{ x: null, y: null }], refuses: [{ x: 1 }] },
  { name: "one_required", inputSchema: object({ a: { type: "string" }, b: { type: "number" } }, { anyOf: [{ required: ["a"] }, { required: ["b"] }] }), accepts: [{ a: "x" }, { b: 1 }], refuses: [{ a: 1 }] },
  {
    name: "tagged", inputSchema: object({ id: { type: "string" } }, {
      required: ["id"], oneOf: [object({ kind: { const: "a" }, n: { type: "number" } }, { required: ["kind", "n"] }), object({ kind: { const: "b" } }, { required: ["kind"] })],
    }),
    accepts: [{ id: "x", kind: "a", n: 1 }, { id: "x", kind: "b" }], refuses: [{ id: "x", kind: "a" }, { kind: "b" }],
  },
  { name: "pair", inputSchema: object({ at: { type: "array", prefixItems: [{ type: "number" }, { type: "number" }], items: false, minItems: 2 } }), accepts: [{ at: [1, 2] }], refuses: [{ at: [1, "2"] }] },
  { name: "map", inputSchema: object({ env: { type: "object", additionalProperties: { type: "string" } } }), accepts: [{ env: { A: "b" } }], refuses: [{ env: { A: 1 } }] },
  { name: "forbidden", inputSchema: object({ x: false }), accepts: [{}], refuses: [{ x: 1 }] },
  { name: "never", inputSchema: { type: "object", allOf: [{ type: "string" }] }, accepts: [{}] },
  { name: "numbers", inputSchema: object({ x: { enum: [1, -1, 1.5, 1e400, 12345678901234567890, -0] } }), accepts: [{ x: 1 }, { x: 12345678901234567890 }] },
  { name: "wrong_schema", inputSchema: object({ x: { type: "strin", enum: [], anyOf: 5, properties: [], items: 3 }, y: 7 }, { required: "x" }), accepts: [{ x: 1, y: 2 }] },
  { name: "required_unknown", inputSchema: object({ x: { type: "string" } }, { required: ["y"] }), accepts: [{ y: 1 }] },
  { name: "output", inputSchema: object({}), outputSchema: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] }, accepts: [{}] },
];
