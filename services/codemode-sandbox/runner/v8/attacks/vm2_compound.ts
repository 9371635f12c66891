//# category 22: resolvers kept and called late
let ok: any; const p = new Promise((a) => { ok = a }); ok(p); try { await p } catch (e: any) { try { return e.constructor.constructor('return 1')() === 1 ? $WIN : 1 } catch (x: any) { return x.name } }
//# category 22: an executor that never was a function
//! each: {} | null | 1 | class {} | new Proxy(() => 0, {}) | test.echo
try { return typeof new (Promise as any)($$) } catch (e: any) { return e.name }
//# category 23: one buffer beyond the bound
//! each: new ArrayBuffer(2 ** 31) | new Uint8Array(2 ** 30) | new Float64Array(2 ** 27) | new BigInt64Array(2 ** 29) | new Uint8Array(6e7).slice().slice() | new ArrayBuffer(8).slice(0, 8) && new ArrayBuffer(1e10)
try { return ($$).byteLength } catch (e: any) { return e.name }
//# category 24: realms within realms
//! each: new (globalThis as any).ShadowRealm() | (globalThis as any).Realm | Reflect.construct(Function, [], Function) | Reflect.construct(Array, [], class extends Function {} as any) | Object.getPrototypeOf(async () => 0).constructor('return globalThis')
try { const r: any = $$; return r && typeof r === 'function' && r() ? $WIN : typeof r } catch (e: any) { return e.name }
//# category 25: objects without a prototype everywhere
const n = Object.create(null); n.a = Object.create(null); n.a.b = 1; const r = await test.echo(n); console.log(n); return [r, n];
//# category 25: an error without a prototype
//! ends: error
const e = new Error('x'); Object.setPrototypeOf(e, null); throw e;
//# category 25: the prototype of errors taken away
Object.setPrototypeOf(TypeError.prototype, null); Object.setPrototypeOf(Error.prototype, null); try { await test.fail({}) } catch (e: any) { try { return e.constructor.constructor('return process')() ? $WIN : 1 } catch (x: any) { return typeof x } }
//# category 26: state of the runtime looked for by name
const names: string[] = []; for (let o: any = globalThis; o; o = Object.getPrototypeOf(o)) for (const k of Reflect.ownKeys(o)) names.push(String(k));
return names.some((k) => /internal|vm2|handle|bridge|sluice|runner|__/i.test(k) && !k.startsWith('__define') && !k.startsWith('__lookup') && k !== '__proto__') ? $WIN : names.length;
//# category 26: variables of the wrapper
//! each: kHead | main | start | state | stream | tools | resolver | pending | isolate | context
try { return eval === undefined ? 0 : ($$ as any) && $WIN } catch (e: any) { return e.name }
//# category 27: paths and addresses in stacks
//! ends: error
const f = (): any => { throw new Error('where') }; try { f() } catch (e: any) { if (/\/work|\/usr|\/home|\.cpp|0x[0-9a-f]{6}/.test(e.stack)) return $WIN } throw new Error('x');
//# category 27: what was written to a tool stays as it was
const a: any = { n: 1 }; const p = test.echo(a); a.n = 2; a.more = 3; return await p;
//# category 28: setters on the indexes of arrays
//! each: 0 | 1 | 2 | 10 | length2
const seen: any[] = []; Object.defineProperty(Array.prototype, '$$', { set(v) { if (v && typeof v === 'object' && !Array.isArray(v)) seen.push(v) }, get() { return undefined }, configurable: true });
const r = await Promise.all([test.echo({ a: [1, 2, 3] }), test.echo({ b: 1 })]); console.log([1, 2, 3]); const big = seen.some((v) => v.call_id !== undefined || typeof v === 'function'); delete (Array.prototype as any)['$$']; return big ? $WIN : r.length;
//# category 28: setters on the keys of results
//! each: a | __proto__ | then | toJSON | length
let got = 0; Object.defineProperty(Object.prototype, '$$', { set() { ++got }, configurable: true }); const r: any = await test.poison({}); return [got, Object.keys(r).length > 0];
//# category 29: yield* and return with a thenable
async function* g() { yield* { [Symbol.asyncIterator]() { return { next: async () => ({ value: 1, done: false }) } } } as any }
const it = g(); await it.next(); let out: any; try { out = await it.return({ then() { const f = (): any => f(); f() } } as any) } catch (e: any) { out = e } try { return (out?.value ?? out).constructor.constructor('return process')() ? $WIN : 1 } catch (e: any) { return e.name }
//# category 29: async generators left open
//! each: it.return(test.echo({ a: 1 }) as any) | it.throw(new Error('x')) | it.next(test.fail({}) as any) | Promise.all([it.next(), it.return(1 as any), it.throw(2)])
async function* g() { try { yield await test.echo({ a: 1 }) } finally { try { await test.fail({}) } catch {} } } const it: any = g(); await it.next(); try { return await $$ } catch (e: any) { return String(e?.message ?? e) }
//# category 30: the engine's prototypes changed while a call is under way
const p = test.echo({ a: 1 }); Object.setPrototypeOf(Array.prototype, null); Object.setPrototypeOf(Function.prototype, null); delete (Object.prototype as any).toString; delete (Object.prototype as any).hasOwnProperty; return ((await p) as any).a;
//# category 30: every prototype frozen, or emptied
//! each: Object.freeze | Object.seal | Object.preventExtensions
for (const c of [Object, Array, Function, Promise, Error, String, Map]) ($$)(c.prototype as any); ($$)(globalThis as any); const r: any = await test.echo({ a: 1 }); console.log(r); try { await test.fail({}) } catch (e: any) { return [r.a, e.code] }
//# category 31: an overflow at every depth of a promise's job
let escaped = 0; const deep = (n: number): any => { if (n > 0) return deep(n - 1); const e: any = new Error(); e.name = Symbol(); return e.stack }; for (let d = 7000; d < 9000; d += 50) { try { await new Promise((_, no) => { try { deep(d) } catch (e) { no(e) } }) } catch (e: any) { try { if (e.constructor.constructor('return 1')() === 1) escaped = 1 } catch {} } if (d > 7200) break } return escaped ? $WIN : 0;
//# category 31: an overflow inside a call of a tool
let depth = 0; let code = ''; const f = (): any => { ++depth; try { f() } catch { test.echo({ depth }).catch((e: any) => { code = e.code ?? e.name }); throw 1 } }; try { f() } catch {} await null; return typeof code;
//# category 31: an overflow in a getter that the bridge reads
let d = 0; const o: any = {}; Object.defineProperty(o, 'x', { enumerable: true, get() { ++d; return (function f(): any { return f() })() } }); try { await test.echo(o) } catch (e: any) { return e.name }
//# category 31: arguments nested deeper than the stack
//! each: 1000 | 10000 | 100000
let a: any = {}; for (let i = 0; i < $$; ++i) a = { a }; try { await test.echo(a); return 'sent' } catch (e: any) { return e.name }
//# category 32: children of namespaces as receivers
//! each: Object.create(test) | Object.create(test.echo as any) | Object.create(Object.create(test)) | new Proxy(test, {})
const c: any = $$; try { c.echo = () => 1 } catch {} try { Reflect.set(test, 'echo', 1, c) } catch {} try { Object.assign(c, { more: 1 }) } catch {} return [typeof test.echo, Object.keys(test).includes('more') ? $WIN : 'kept', await test.echo({ a: 1 })];
