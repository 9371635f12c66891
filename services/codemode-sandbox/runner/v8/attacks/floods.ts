//# ten million calls of tools
//! ends: ok, error, timeout, memory
//! wall: 1500
//! each: for (let i = 0; i < 1e7; ++i) test.echo({ i }) | for (let i = 0; i < 1e7; ++i) { try { await test.echo({ i }) } catch {} } | await Promise.all(Array.from({ length: 1e5 }, (_, i) => test.echo({ i }))) | for (;;) test.echo({ a: 'x'.repeat(1e6) }).catch(() => 0) | for (;;) { try { await test.echo({ a: 'x'.repeat(1e6) }) } catch { break } } | const f = (): any => test.echo({}).then(f, f); await f() | await Promise.all(Array.from({ length: 50 }, () => test.big({}))) | for (;;) { try { await test.fail({}) } catch {} }
$$
//# calls that are never answered
//! ends: timeout
//! wall: 400
//! each: await test.wait({}) | await Promise.all([test.wait({}), test.echo({})]) | await Promise.race([test.wait({}), new Promise(() => {})]) | for (let i = 0; i < 90; ++i) test.wait({}); await test.wait({})
$$
//# console without end
//! ends: timeout, memory, error
//! wall: 500
//! each: for (;;) console.log('x') | for (;;) console.log() | for (;;) console.error('x'.repeat(1e6)) | for (;;) console.log({ a: Array(1000).fill('x') }) | for (;;) console.log('x'.repeat(2 ** 24), 'y'.repeat(2 ** 24)) | console.log({ get a() { for (;;); } }); for (;;); | for (;;) console.warn(new Error('x'.repeat(1e5))) | const a: any = []; a.push(a); for (;;) console.log(a, [a], { a }) | for (;;) console.log(new Array(1e6)) | for (;;) console.debug(Symbol('x'.repeat(1e5)), 10n ** 1000n)
$$
//# console with odd values
//! ends: ok, error
//! each: new Proxy({}, { get() { throw 1 } }) | { get a() { throw 1 } } | Object.create(null) | { toString() { throw 1 } } | '\ud800' | '\u0000' | Symbol() | new Proxy(() => 0, { apply() { throw 1 } }) | Object.defineProperty(new Error('e'), 'stack', { get() { throw 1 } }) | new Map([[{}, new Map()]]) | { [Symbol.toStringTag]: 'x' } | Object.assign(() => 0, { name: { toString() { throw 1 } } }) | [, , 1] | -0 | new Date(NaN) | new (class A { #p = 1 })() | BigInt(1) | (function () { return arguments })()
console.log($$); console.log('after'); return 1
//# console replaced
//! ends: ok
(console as any).log = () => { throw 1 }; (globalThis as any).console = null; return 1
//# values too large
//! ends: error, memory, timeout
//! wall: 2000
//! each: 'x'.repeat(2e6) | Array(1e6).fill('xxx') | 'ä'.repeat(1e6) | '\u0001'.repeat(5e5) | { a: 'x'.repeat(2 ** 28) } | Array(2e5).fill({ a: 'text' }) | { toJSON() { return 'x'.repeat(3e6) } } | [[['x'.repeat(1048577)]]]
return $$
//# values that are no JSON
//! each: 1n | Symbol() | () => 1 | new Map([[1, 2]]) | NaN | undefined | new Proxy({}, { ownKeys() { throw 1 } }) | { toJSON() { throw 1 } } | Object.create(null) | { get a() { throw 1 } } | [undefined, () => 1] | new Date(NaN) | Promise.reject(1) | { then: 1 } | new WeakMap() | globalThis | console | test
return $$ as any
//# a value that refers to itself
//! ends: error
const a: any = { b: {} }; a.b.a = a; return a
//# late effects: microtasks after the return
//! ends: ok, timeout
//! wall: 500
//! each: Promise.resolve().then(() => test.echo({ late: 1 })) | Promise.resolve().then(() => { throw new Error('late') }) | Promise.resolve().then(() => console.log('late')) | (async () => { for (let i = 0; i < 100; ++i) await null; test.echo({ late: 2 }) })() | (async () => { for (;;) await null })() | test.echo({}).then(() => test.echo({ late: 3 })) | test.wait({}).finally(() => test.echo({ late: 4 })) | Promise.reject(new Error('unhandled')) | (async () => { await test.fail({}) })() | for (let i = 0; i < 1000; ++i) Promise.reject(i)
$$; return 'done'
//# deadlocks
//! ends: deadlock
//! each: await new Promise(() => {}) | await { then() {} } as any | await Promise.race([]) | const p: any = (async () => { await null; await p })(); await p | await test.echo({}); await new Promise(() => {}) | for await (const x of { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) } as any); | return { then() {} } | await Promise.all([1, new Promise(() => {})])
$$
//# thrown things of every kind
//! ends: error
//! each: 5 | 'text' | undefined | null | Symbol('s') | 10n | {} | Object.create(null) | () => 1 | new Proxy({}, { get() { throw 1 } }) | { toString() { for (;;); } } | { get message() { for (;;); } } | Promise.reject(1) | '\ud800' | 'x'.repeat(1e7) | new Error('x'.repeat(1e7)) | Object.assign(new Error('e'), { stack: 'x'.repeat(1e7) }) | [1, 2] | new (class E extends Error { get name() { return 'x'.repeat(1e6) } })() | globalThis | test.echo
throw $$
