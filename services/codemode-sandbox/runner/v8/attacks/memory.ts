//# the heap, bit by bit
//! ends: memory, error
//! wall: 10000
//! heap: 16
//! each: a.push({ i: [1, 2, 3] }) | a.push(() => a) | a.push(new Map([[1, 2]])) | a.push(Symbol('x' + a.length)) | a.push(Promise.resolve([1])) | a.push(new Error('e')) | a.push(class {}) | a.push('x'.repeat(1000) + a.length) | a.push(/x/g) | a.push(new Proxy({}, {})) | a.push(BigInt(a.length) ** 50n) | a.push(new Date()) | a.push((function* () { yield a })()) | a.push(new Set([a.length])) | a.push([a, a, a]) | a.push(Object.create(null, { x: { value: 1 } })) | a.push(async () => a) | a.push(JSON.parse('{"a":{"b":[1,2,3]}}')) | a.push(new WeakMap([[{}, a]])) | a.push(a.length + 0.5, a.length)
const a: any[] = []; for (;;) $$;
//# single huge allocations
//! ends: memory, error, killed, timeout
//! wall: 2000
//! each: new Array(2 ** 25).fill(0).length | new Array(2 ** 32 - 1).fill(0).length | Array.from({ length: 1e9 }).length | [...'x'.repeat(2 ** 27)].length | 'a'.padEnd(2 ** 28).split('').length | Array(2 ** 26).join('x').split('x').length | 'ab'.repeat(2 ** 28 - 20).indexOf('c') | ('x'.repeat(2 ** 28) + 'y').charCodeAt(5) + ('x'.repeat(2 ** 28) + 'z').charCodeAt(5) | JSON.stringify('\u0001'.repeat(1e8)).length | JSON.parse('"' + 'x'.repeat(2e8) + '"').length | new Array(1e7).fill(0).map((_, i) => ({ i })).length | Object.assign([], { length: 2 ** 32 - 1 }).concat([1]).fill(1).length | Array.prototype.concat(...Array(1e5).fill(Array(1e3).fill(0))).length | String.fromCharCode(...Array(1e5).fill(65)).repeat(4e3).split('').length | new Set(Array(1e7).keys()).size | new Map(Array.from({ length: 5e6 }, (_, i) => [i, i])).size | 'x'.repeat(2 ** 27).replace(/x/g, 'yy').length | Array(5e6).fill('x').join('longer text').length + [...Array(5e6).keys()].map(String).join().length
return $$
//# rehash of a big map
//! ends: memory, error
//! wall: 10000
//! heap: 16
//! each: new Map | new Set
const m: any = new (($$) as any)(); for (let i = 0; ; ++i) m.set ? m.set(i, i) : m.add(i);
//# memory of ICU
//! ends: memory, error, killed, timeout
//! wall: 4000
//! each: new Intl.DateTimeFormat('de', { dateStyle: 'full', timeZone: 'Asia/Tokyo' }) | new Intl.Collator('sv') | new Intl.NumberFormat('hi', { style: 'currency', currency: 'INR' }) | new Intl.PluralRules('ar') | new Intl.RelativeTimeFormat('ja') | new Intl.ListFormat('fr') | new (Intl as any).Segmenter('th', { granularity: 'word' }) | new (Intl as any).DisplayNames('en', { type: 'region' }) | new Intl.Locale('zh-Hant-TW').maximize()
const a: any[] = []; for (;;) a.push($$);
//# buffers
//! ends: memory, error, ok, timeout
//! wall: 3000
//! heap: 16
//! each: for (;;) a.push(new Uint8Array(2 ** 20)) | for (;;) a.push(new ArrayBuffer(64)) | for (;;) a.push(new Uint8Array(8)) | for (;;) a.push(new ArrayBuffer(0)) | for (;;) a.push(new Float64Array(2 ** 16).buffer.slice(1)) | for (let i = 0; i < 2000; ++i) new ArrayBuffer(6e7) | for (;;) try { a.push(new ArrayBuffer(2 ** 24)) } catch { a.push({ a: [1, 2, 3, 4] }) } | for (;;) a.push(new DataView(new ArrayBuffer(16))) | const r: any = new (ArrayBuffer as any)(8, { maxByteLength: 2 ** 30 }); r.resize?.(2 ** 30); for (;;) a.push(r.slice(0))
const a: any[] = []; $$
//# strings
//! ends: memory, error, timeout
//! wall: 2000
//! each: for (;;) s += s | for (;;) s = s.concat(s, s) | for (;;) s = s.replace(/x/g, 'xx') | for (;;) s = s.replaceAll('x', 'xxx') | for (;;) s = [s, s].join(s) | for (;;) s = `${s}${s}` | for (;;) s = JSON.stringify([s, s]) | for (;;) s = encodeURIComponent(s + '%') | for (;;) s = s.padEnd(s.length * 3, s) | const a: any[] = []; for (;;) a.push((s = s + 'y').slice(1).normalize())
let s = 'x'; $$
//# thrashing near the bound
//! ends: memory, timeout, ok
//! wall: 1500
const keep: any[] = []; for (let i = 0; i < 3e5; ++i) keep.push({ i }); for (let r = 0; r < 1e4; ++r) { const t: any[] = []; for (let i = 0; i < 2e5; ++i) t.push({ i }); } return keep.length;
//# recursion
//! ends: error, ok
//! each: const f = (): any => f() + 1; return f() | const o: any = {}; o.toString = () => `${o}`; return `${o}` | const p: any = new Proxy({}, { get: (t, k, r) => r[k] }); return p.x | let a: any = []; for (let i = 0; i < 1e5; ++i) a = [a]; return JSON.stringify(a).length | return new RegExp('('.repeat(20000) + ')'.repeat(20000)).test('') | const f: any = (...a: any[]) => f(...a, ...a); return f(1) | class A { get x(): any { return this.x } } return new A().x | return [1].sort.call({ length: 2, get 0(): any { return [1].sort.call(this as any) } } as any) | return JSON.parse('['.repeat(2e5) + ']'.repeat(2e5)).length | let f: any = () => 1; for (let i = 0; i < 2e5; ++i) f = f.bind(null); return f()
$$
