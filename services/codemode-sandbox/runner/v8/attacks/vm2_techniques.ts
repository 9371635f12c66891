//# category 11: builtins replaced before a call
//! each: JSON.stringify | JSON.parse | Object.keys | Object.defineProperty | Object.freeze | Array.isArray | Reflect.ownKeys | Reflect.get | Promise.resolve | Promise.prototype.then | Array.prototype.push | Array.prototype.map | Function.prototype.call | Function.prototype.apply | String.prototype.toString | Symbol.for | Error.captureStackTrace | Map.prototype.get | Map.prototype.set | RegExp.prototype.exec
let n = 0; try { ($$ as any) = function (this: any, ...a: any[]) { ++n; for (const x of [this, ...a]) if (x && typeof x === 'object' && ('call_id' in x || 'stream' in x)) test.echo({ w: $WIN }); return undefined } } catch {}
const r = await test.echo({ a: 1 }); console.log('x', { a: 1 }); return [n, (r as any).a];
//# category 11: globals replaced before a call
//! each: Object | Array | Promise | Error | JSON | Function | Symbol | Map | TypeError | undefined
try { (globalThis as any).$$ = () => $WIN } catch {} const r: any = await test.echo({ a: 1 }); try { await test.fail({}) } catch (e: any) { return [r.a, e.code] }
//# category 12: brackets that close the function around the script
//! ends: ok, type, error
//! each: }); (async function () { return 1 | }); test.echo({w: 1}); (async function () { | }})(); ({ a: async function () { | return 1 }), (function () { | /* | `${ | */ }); ( | })\u2028(async function () {
$$
//# category 12: comments and lines of other kinds
//! ends: ok, type, error
//! each: <!-- x | --> x | #!/usr/bin/env node | /* \u2028 */ throw 1 | //# sourceMappingURL=file:///etc/passwd | //# sourceURL=runner.cpp | 'use asm'; | debugger; | %DebugPrint(1) | %GetOptimizationStatus(Math) | \u0065val('1') | \u{65}val('1') | ev\u0061l('1') | import x from 'fs' | export const a = 1 | import('fs') | import.meta.url | new.target | super.x | await using x = null | using x = null | with (test) { echo({}) } | delete test | 010 + 1 | yield 1 | return eval | @dec class A {} | label: for (;;) break label | enum E { A = 1 } | namespace N { export const a = 1 } | declare const process: any; return process
$$
return 'kept'
//# category 12: eval by another way
//! each: globalThis['ev' + 'al'] | (0, (globalThis as any).eval) | Reflect.get(globalThis, 'eval') | Object.getOwnPropertyDescriptor(globalThis, 'eval')?.value | (globalThis as any).window?.eval | (globalThis as any).self?.eval
const f: any = $$; try { return f('1 + 1') === 2 ? $WIN : 'inert' } catch (e: any) { return e.name }
//# category 13: import in every way
//! each: import('fs') | import('node:fs') | import('data:text/javascript,export default 1') | import('file://$FILE') | import('$FILE') | import({ toString() { return 'fs' } } as any) | (async () => import('x'))()
try { await $$; return $WIN } catch (e: any) { return typeof e }
//# category 13: names of module systems
//! each: require | module | exports | process | global | __dirname | __filename | Buffer | Deno | Bun | importScripts | load | read | print | d8 | quit | os | std | gc | setTimeout | setInterval | setImmediate | fetch | XMLHttpRequest | WebSocket | Worker | performance | structuredClone | queueMicrotask | crypto | navigator | document | postMessage | MessageChannel | BroadcastChannel | WebAssembly | SharedArrayBuffer | Atomics | WeakRef | FinalizationRegistry | ShadowRealm | eval | Iterator | Temporal | DisposableStack | AsyncDisposableStack
return typeof (globalThis as any).$$ === 'undefined' && !('$$' in globalThis) ? 'absent' : $WIN;
//# category 14: names of traps on Object.prototype
//! each: get | set | value | writable | then | toJSON | length | 0 | code | message | constructor | call_id | arguments | server | function | result | error
Object.defineProperty(Object.prototype, '$$', { get() { return undefined }, set() {}, configurable: true });
try { const r: any = await test.echo({ b: 1 }); console.log(r); try { await test.fail({}) } catch {} return r.b } catch (e: any) { return e.name }
//# category 15: descriptors of functions and prototypes
const d: any = Object.getOwnPropertyDescriptors(Object.getPrototypeOf(test.echo)); const c = Object.entries(d).flatMap((e) => Object.values(e[1] as any)).filter((v) => typeof v === 'function') as any[];
for (const f of c) try { const r = f('return this'); if (typeof r === 'function' && r()) return $WIN } catch {} return c.length;
//# category 16: errors with errors in them
//! ends: error
throw new AggregateError([new Error('a'), { toString() { test.echo({ w: $WIN }); throw 1 } }], 'many', { cause: new Proxy({}, { get() { test.echo({ w: $WIN }); throw 2 } }) } as any);
//# category 16: causes in a circle
//! ends: error
const a: any = new Error('a'); const b: any = new Error('b', { cause: a }); a.cause = b; a.errors = [a, b]; throw a;
//# category 17: Wasm in every way
//! each: (globalThis as any).WebAssembly | (globalThis as any).WebAssembly?.Memory | (globalThis as any).WebAssembly?.JSTag | Object.getOwnPropertyNames(globalThis).find((n) => /wasm|webassembly/i.test(n))
return ($$) ? $WIN : 'absent';
//# category 17: asm.js
function asm(stdlib: any, foreign: any, heap: any) { 'use asm'; function f(a: any) { a = a | 0; return (a + 1) | 0 } return { f: f } } return asm(globalThis, {}, new ArrayBuffer(65536)).f(1);
//# category 18: an array that is its own species
const a: any = [1]; class S extends Array {} Object.defineProperty(a, 'constructor', { get() { return { [Symbol.species]: function () { return a } } } }); const r = await test.echo({ a }); return [a.map((x: any) => x).length, r, a.slice() === a];
//# category 18: a species that hands out a Proxy
//! each: map | filter | slice | splice | flat | flatMap
const a: any = [1, [2]]; a.constructor = { [Symbol.species]: function () { return new Proxy([], { defineProperty(t, k, d) { if (typeof d.value === 'function') test.echo({ w: $WIN }); return Reflect.defineProperty(t, k, d) } }) } }; try { return JSON.stringify(a.$$((x: any) => x)) } catch (e: any) { return e.name }
//# category 19: prepareStackTrace taken away again
//! each: E.prepareStackTrace = undefined | E.prepareStackTrace = null | E.prepareStackTrace = 1 | delete E.prepareStackTrace | E.prepareStackTrace = new Proxy(() => 0, { apply(_, __, a: any) { return a[1] } }) | E.prepareStackTrace = test.echo
const E: any = Error; $$;
try { await test.fail({}) } catch (e: any) { const s = e.stack; return typeof s === 'string' ? /\/|\.cpp|\.cc|node:/.test(s) ? $WIN : 'kept' : typeof s }
//# category 20: symbols shared over realms
const s = ['nodejs.util.inspect.custom', 'nodejs.util.promisify.custom', 'nodejs.rejection', 'nodejs.dispose', 'sluice tool error', 'sluice'].map((n) => Symbol.for(n)); for (const k of s) { (Object.prototype as any)[k] = () => { test.echo({ w: $WIN }) } }
console.log({}); try { await test.fail({}) } catch (e) { console.log(e) } return 'kept';
//# category 20: the mark of a tool's error forged and read
try { await test.fail({}) } catch (e: any) { const all = Reflect.ownKeys(e).map(String); return all.some((k) => /sluice|mark/.test(k)) ? $WIN : all }
//# category 21: files by every name
//! each: $FILE | /etc/passwd | /proc/self/environ | /proc/self/maps | compiler.js | ../compiler.js
const out: any[] = []; for (const f of [() => import('$$'), () => (globalThis as any).require('$$'), () => (globalThis as any).read('$$'), () => (globalThis as any).fetch('file://$$')]) try { out.push(await f()) } catch (e: any) { out.push(e.name) }
return out;
//# category 21: a source map as a way to a file
//! ends: error
//@ sourceMappingURL=$FILE
throw new Error('mapped');
