//# category 1: constructor of the constructor of every value
//! each: this | globalThis | test | test.echo | test.echo({}) | console | console.log | Math | JSON | Reflect | Intl | [] | {} | '' | 0 | 0n | true | /x/ | Symbol() | new Error() | new Date(0) | new Map() | new Set() | new WeakMap() | new Proxy({}, {}) | new ArrayBuffer(8) | new Uint8Array(8) | new Intl.NumberFormat() | (() => 0) | (async () => 0) | (function* () {}) | (async function* () {}) | class {} | Promise.resolve() | Object.create(null) | (function () { return arguments })()
const v: any = await Promise.resolve($$);
const seen: any[] = [];
for (let c = v, i = 0; c != null && i < 6; ++i) { c = c.constructor; seen.push(typeof c);
  try { if (typeof c === 'function') { const r = c('return this')(); if (r) return $WIN; } } catch (e) { seen.push(String(e.name)); } }
return seen;
//# category 1: through the error of a failed call
try { await test.fail({}) } catch (e: any) { try { return e.constructor.constructor('return process')() && $WIN } catch (x: any) { return x.name } }
//# category 1: through an error of the engine
try { (null as any).x } catch (e: any) { try { return e.constructor.constructor('return globalThis')() && $WIN } catch (x: any) { return x.name } }
//# category 1: bound, called and applied constructors
const F: any = (() => 0).constructor; const out: any[] = [];
for (const f of [() => F.bind(null)('return 1')(), () => F.call(null, 'return 1')(), () => F.apply(null, ['return 1'])(), () => Reflect.apply(F, null, ['return 1'])(), () => Reflect.construct(F, ['return 1'])(), () => new F('return 1')(), () => new (F.bind(F, 'return 1'))()()])
  try { if (f() === 1) return $WIN } catch (e: any) { out.push(e.name) }
return out;
//# category 2: up the chain of prototypes
//! each: test | test.echo | console | globalThis | new Error() | test.echo.bind(null)
const all: string[] = []; for (let o: any = $$; o; o = Object.getPrototypeOf(o)) for (const k of Reflect.ownKeys(o)) all.push(String(k));
return all.some((k) => /require|process|module|host|native|sluice/i.test(k)) ? $WIN : all.length;
//# category 2: __proto__ of everything set to a trap
for (const o of [{}, [], () => 0, new Map(), Promise.resolve()] as any[]) { o.__proto__ = new Proxy({}, { get() { return () => $WIN } }); }
return typeof (await test.echo({ a: 1 }) as any).a;
//# category 2: the prototype of a namespace
try { Object.setPrototypeOf(test, { stolen: 1 }); return $WIN } catch (e: any) { return e.name }
//# category 2: the prototype of a tool's function
Object.setPrototypeOf(test.echo, { call: () => 1 }); return [typeof (test.echo as any).call, await test.echo({ a: 1 })];
//# category 2: get and set polluted for descriptors
Object.defineProperty(Object.prototype, 'get', { get() { throw (f: any) => f.constructor('return process')() }, configurable: true });
try { await test.echo({ a: 1 }); return 'kept' } catch (e: any) { return typeof e }
//# category 3: species of a promise
class P extends Promise<any> { static get [Symbol.species]() { return function (this: any, ex: any) { ex((v: any) => { try { v.constructor.constructor('return process')(); test.echo({ w: $WIN }) } catch {} }, () => 0) } as any } }
try { await P.resolve(1).then(() => { throw new Error('x') }) } catch {} return 'kept';
//# category 3: a constructor put on the promise of a call
const p: any = test.echo({ a: 1 }); p.constructor = { [Symbol.species]: class { constructor(ex: any) { ex(() => 0, () => 0) } } };
try { return typeof await p.then((x: any) => x) } catch (e: any) { return e.name }
//# category 3: Promise.prototype.then replaced
const then = Promise.prototype.then; let taken = 0; Promise.prototype.then = function (...a: any) { ++taken; return then.apply(this, a) } as any;
const r: any = await test.echo({ a: 1 }); return [taken, r.a];
//# category 4: prepareStackTrace and its call sites
const found: any[] = [];
(Error as any).prepareStackTrace = (_: any, sites: any[]) => { for (const s of sites) { for (const m of ['getThis', 'getFunction', 'getEvalOrigin', 'getScriptNameOrSourceURL']) { const v = s[m]?.(); if (typeof v === 'function' || (v && typeof v === 'object')) found.push(m) } } return '' };
new Error('x').stack; try { await test.fail({}) } catch (e: any) { e.stack } try { (null as any).x } catch (e: any) { e.stack }
return found.length ? $WIN : 'nothing';
//# category 4: prepareStackTrace at an uncaught error
//! ends: error
(Error as any).prepareStackTrace = (e: any, s: any) => { test.echo({ frames: s.length }); return { toString() { return $WIN } } }; throw new Error('x');
//# category 4: prepareStackTrace that never ends, at an uncaught error
//! ends: error, timeout
//! wall: 400
(Error as any).prepareStackTrace = () => { for (;;); }; throw new Error('x');
//# category 4: a name that is a symbol
const e: any = new Error('x'); e.name = Symbol('n'); try { return String(e.stack).length > 0 } catch (x: any) { try { return x.constructor.constructor('return process')() && $WIN } catch (y: any) { return y.name } }
//# category 4: uncaught errors whose parts are traps
//! ends: error
//! each: name | message | stack | toString | constructor | cause | __proto__
const e: any = new Error('x'); Object.defineProperty(e, '$$', { get() { test.echo({ got: 1 }); throw e } }); throw e;
//# category 4: a stack of ten million frames
(Error as any).stackTraceLimit = 1e7; const f = (n: number): any => n ? f(n - 1) : new Error('deep').stack!.length; return f(2000);
//# category 5: caller, callee and arguments
const out: any[] = []; function f(this: any) { for (const g of [() => (f as any).caller, () => (arguments as any).callee, () => (f as any).arguments, () => (f as any).callee, () => (test.echo as any).caller, () => (test.echo as any).arguments]) try { const v = g(); out.push(v === undefined || v === null ? null : typeof v) } catch (e: any) { out.push(e.name) } }
f(); return out.includes('function') ? $WIN : out;
//# category 5: the caller seen from a getter that the bridge reads
let who: any = 0; const a: any = {}; Object.defineProperty(a, 'x', { enumerable: true, get: function g() { try { who = (g as any).caller } catch (e: any) { who = e.name } return 1 } });
await test.echo(a); return typeof who === 'function' ? $WIN : who;
//# category 6: every trap of a Proxy as arguments
//! each: get | has | ownKeys | getOwnPropertyDescriptor | getPrototypeOf | set | deleteProperty | isExtensible
const seen: any[] = []; const h: any = { $$: (...a: any[]) => { seen.push(typeof a[0]); for (const x of a) if (typeof x === 'object' && x && x.constructor && x.constructor.name === 'Host') return $WIN; return (Reflect as any).$$(...a) } };
let r: any; try { r = await test.echo(new Proxy({ a: 1 }, h)) } catch (e: any) { r = e.name } return [seen.length > 0, r];
//# category 6: every trap throws while the bridge reads
//! each: get | has | ownKeys | getOwnPropertyDescriptor | getPrototypeOf
const h: any = { $$() { throw { $$: $WIN.length } } }; try { return await test.echo(new Proxy({ a: 1 }, h)) } catch (e: any) { return typeof e }
//# category 6: a revoked Proxy as arguments, value and error
//! each: return r.proxy | throw r.proxy | return await test.echo(r.proxy as any) | console.log(r.proxy) | return { a: r.proxy } | return new Proxy(r.proxy, {})
const r = Proxy.revocable({}, {}); r.revoke(); $$
//# category 6: a Proxy whose traps are a Proxy
const all: any = new Proxy({}, { get: (_, k) => (...a: any[]) => { seen.push(String(k)); return (Reflect as any)[k](...a) } }); const seen: string[] = [];
const r = await test.echo(new Proxy({ a: 1 }, all)); return [r, seen.length];
//# category 6: a Proxy of a namespace called with another this
const p: any = new Proxy(test, { get: (t: any, k) => t[k] }); return [await p.echo({ a: 1 }), await p.echo.call({ server: 'other' }, { a: 2 })];
//# category 7: a thenable takes the place of the call's promise
const t: any = { then(ok: any) { ok({ then(ok2: any) { ok2(ok.constructor) } }) } }; const c: any = await t; try { return c('return 1')() === 1 ? $WIN : 1 } catch (e: any) { return e.name }
//# category 7: rejection with a thenable
try { await Promise.reject({ then(ok: any, no: any) { no($WIN) } }) } catch (e: any) { return typeof e }
//# category 7: an async function's promise class
const A: any = (async () => 0)().constructor; class B extends A { constructor(ex: any) { super((a: any, b: any) => { try { ex.constructor('return process')() && test.echo({ w: $WIN }) } catch {} ex(a, b) }) } } return await (B as any).all([test.echo({}), 1]);
//# category 7: static methods with another this
//! each: all | allSettled | race | any | resolve | reject
class F { constructor(ex: any) { ex((v: any) => { got = v }, (e: any) => { got = e }) } static resolve(x: any) { return { then(a: any, b: any) { try { (null as any).x } catch (e) { b(e) } } } } } let got: any = 0;
try { (Promise as any).$$.call(F, [1]); await null; await null } catch (e: any) { got = e } try { return got?.constructor?.constructor?.('return process')() ? $WIN : typeof got } catch (e: any) { return e.name }
//# category 8: symbols of everything that crosses
const syms: string[] = []; for (const o of [test, test.echo, console, console.log, test.echo({}), globalThis] as any[]) for (const s of Object.getOwnPropertySymbols(o)) syms.push(String(s));
return syms.some((s) => /node|inspect|host|sluice/i.test(s)) ? $WIN : syms;
//# category 8: inspect hooks while the console writes
const o: any = { [Symbol.for('nodejs.util.inspect.custom')](d: any, opt: any, inspect: any) { test.echo({ w: $WIN }); return inspect } , inspect() { test.echo({ w: $WIN }) } };
console.log(o); console.error(o); return 'kept';
//# category 8: toStringTag, toPrimitive and hasInstance while the bridge writes
//! each: toStringTag | toPrimitive | hasInstance | isConcatSpreadable | iterator | asyncIterator | species | unscopables
const o: any = { a: 1 }; Object.defineProperty(o, Symbol.$$, { get() { test.echo({ got: 1 }); return () => $WIN } }); console.log(o); return [await test.echo(o), o];
//# category 9: the handler of a Proxy shown by the console
console.log(new Proxy({ secret: 1 }, { get: () => 1, ownKeys() { throw 1 } })); console.log([new Proxy(() => 0, {})]); return 'kept';
//# category 9: an object that looks like a promise resolver
const fake: any = { promise: 1, resolve: 1, reject: 1, call_id: 1, [Symbol.toStringTag]: 'Promise' }; Object.setPrototypeOf(fake, Promise.prototype); try { return await fake } catch (e: any) { return e.name }
//# category 10: coercion of everything the bridge might coerce
//! each: valueOf | toString | toJSON
let n = 0; const o: any = { a: 1, $$() { ++n; try { (this as any).constructor.constructor('return process')(); return $WIN } catch { return { b: 2 } } } }; const r = await test.echo(o); console.log(o); return [r, n];
//# category 10: tool called with coerced names
//! each: toString | valueOf
const k: any = { $$() { return 'echo' } }; k.toString = k.toString ?? k.$$; return typeof (test as any)[k];
//# category 10: typed arrays and buffers as arguments
//! each: new Uint8Array(4) | new ArrayBuffer(4) | new DataView(new ArrayBuffer(4)) | new Float64Array([NaN, Infinity, -0]) | new BigInt64Array(2)
try { return await test.echo({ a: $$ } as any) } catch (e: any) { return e.name ?? e.code }
