// Valid instances of a schema, and random schemas together with instances that are valid by construction.

// A value the schema allows; all: with its optional members too. Knows what recorded catalogs use.
export function sampleOf(schema, document, all, depth = 0) {
  if (schema === true || schema === undefined || depth > 8) return {};
  if (schema.$ref) {
    const target = schema.$ref.slice(2).split("/").filter(Boolean).reduce((at, part) => at[part], document);
    return sampleOf(target, document, all, depth + 1);
  }
  if ("const" in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return sampleOf(choices[all ? choices.length - 1 : 0], document, all, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[all ? schema.type.length - 1 : 0] : schema.type;
  switch (type) {
    case "string": return "text";
    case "integer": return schema.minimum ?? 1;
    case "number": return schema.minimum ?? 1.5;
    case "boolean": return true;
    case "null": return null;
    case "array": return all || schema.minItems ? [sampleOf(schema.items, document, all, depth + 1)] : [];
    default: break;
  }
  const object = {};
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (all || schema.required?.includes(name)) object[name] = sampleOf(member, document, all, depth + 1);
  }
  return object;
}

function generator(seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
  return { next, below: (n) => Math.floor(next() * n), chance: (p) => next() < p };
}

const NAMES = ["a", "b-c", "default", "π", "x y", "__proto__x", "0", "id", "*/", "\"q\"", "new"];
const TEXTS = ["x", "", "*/ }; declare const evil: 1; /*", "line\nbreak", "\u202ebidi", "`${1}`"];

function plain(r) {
  const kind = r.below(5);
  if (kind === 0) return { schema: { type: "string" }, values: ["s", ""] };
  if (kind === 1) return { schema: { type: "integer", minimum: 0 }, values: [0, 12] };
  if (kind === 2) return { schema: { type: "number" }, values: [1.5, -2e21] };
  if (kind === 3) return { schema: { type: "boolean" }, values: [true, false] };
  return { schema: { type: "null" }, values: [null] };
}

function literals(r) {
  const all = [r.below(9), TEXTS[r.below(TEXTS.length)], null, true, 1.25, "y", 12345678901234567890];
  const values = [...new Set(all.filter(() => r.chance(0.5)))];
  return values.length === 0 || r.chance(0.3) ? { schema: { const: all[1] }, values: [all[1]] } : { schema: { enum: values }, values };
}

function object(r, depth) {
  const schema = r.chance(0.8) ? { type: "object", properties: {} } : { properties: {} };
  const least = {};
  const most = {};
  const required = [];
  for (const name of NAMES.filter(() => r.chance(0.3))) {
    const member = random(r, depth + 1);
    schema.properties[name] = r.chance(0.5) && typeof member.schema === "object"
      ? { ...member.schema, description: TEXTS[r.below(TEXTS.length)] } : member.schema;
    most[name] = member.values.at(-1);
    if (r.chance(0.4)) {
      required.push(name);
      least[name] = member.values[0];
    }
  }
  if (required.length || r.chance(0.2)) schema.required = required;
  const kind = r.below(4);
  if (kind === 0) schema.additionalProperties = false;
  if (kind === 1) {
    const more = random(r, depth + 1);
    schema.additionalProperties = more.schema;
    most.more = more.values[0];
  }
  if (kind === 2) most["free one"] = [1, { x: null }];
  if (r.chance(0.1) && kind === 0) {
    schema.patternProperties = { "^x-": { type: "string" } };
    most["x-a"] = "p";
  }
  const values = [least, most];
  if (!schema.type) values.push("no object", 5);
  return { schema, values };
}

function array(r, depth) {
  const item = random(r, depth + 1);
  if (r.chance(0.25)) {
    const second = random(r, depth + 1);
    const schema = r.chance(0.5) ? { type: "array", prefixItems: [item.schema, second.schema] }
      : { type: "array", items: [item.schema, second.schema], additionalItems: false };
    if (r.chance(0.4)) schema.minItems = 1;
    const values = [[item.values[0]], [item.values.at(-1), second.values[0]]];
    if (schema.prefixItems) values.push([item.values[0], second.values[0], "more"]);
    return { schema, values };
  }
  const schema = r.chance(0.8) ? { type: "array", items: item.schema } : { items: item.schema };
  return { schema, values: [[], item.values, ...(schema.type ? [] : ["no array"])] };
}

function choice(r, depth) {
  const parts = [random(r, depth + 1), random(r, depth + 1)];
  return { schema: { anyOf: parts.map((part) => part.schema) }, values: parts.flatMap((part) => part.values) };
}

// A value of both: the second part only says what is left open anyway.
function all(r, depth) {
  const one = object(r, depth + 1);
  if (!one.schema.type) return one;
  const name = Object.keys(one.schema.properties)[0];
  const second = name && one.schema.required?.includes(name) ? { required: [name] } : { type: "object" };
  return { schema: { allOf: [one.schema, second] }, values: one.values };
}

function random(r, depth) {
  const kind = depth > 3 ? r.below(2) : r.below(9);
  if (kind === 0) return plain(r);
  if (kind === 1) return literals(r);
  if (kind <= 3) return object(r, depth);
  if (kind === 4) return array(r, depth);
  if (kind === 5) return choice(r, depth);
  if (kind === 6) return all(r, depth);
  if (kind === 7) {
    const part = plain(r);
    return { schema: { type: [part.schema.type, "null"] }, values: [...part.values, null] };
  }
  return { schema: r.chance(0.5) ? true : {}, values: [1, { a: [] }, null] };
}

export function randomTool(seed) {
  const r = generator(seed);
  const part = object(r, 0);
  const schema = { ...part.schema, type: "object" };
  const tool = { name: `tool-${seed}`, description: TEXTS[r.below(TEXTS.length)], inputSchema: schema };
  if (r.chance(0.5)) tool.outputSchema = { type: "object", properties: { value: random(r, 1).schema } };
  return { tool, instances: part.values.filter((value) => typeof value === "object") };
}
