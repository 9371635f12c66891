//# loops without end
//! ends: timeout
//! wall: 500
//! each: for (;;); | while (true) { try { throw 1 } catch {} } | for (;;) try { for (;;); } finally { continue } | let i = 0; do { ++i } while (true) | for (let i = 0n; ; ++i); | const f = (): any => { for (;;); }; [1, 2].sort(f) | label: for (;;) { for (;;) continue label } | const g = (function* () { for (;;) yield 1 })(); for (const x of g); | for (const x of { [Symbol.iterator]: () => ({ next: () => ({ value: 1, done: false }) }) } as any); | JSON.stringify({ toJSON() { for (;;); } }) | `${{ toString() { for (;;); } }}` | new Proxy({}, { get() { for (;;); } } as any).x | [].concat({ get length() { for (;;); } } as any); for (;;); | Array.from({ get length() { for (;;); } } as any) | class A { static x = (() => { for (;;); })() } | switch (true) { case (() => { for (;;); })(): } | Object.defineProperty({}, 'x', { get value() { for (;;); } } as any)
$$
//# async loops without end
//! ends: timeout, memory, error
//! wall: 500
//! each: for (;;) await null | const f = async (): Promise<any> => f(); await f(); for (;;) await 0 | const loop = (): any => Promise.resolve().then(loop); await loop() | for await (const x of (async function* () { for (;;) yield 1 })()); | const a = async (): Promise<void> => { await null; return b() }; const b = async (): Promise<void> => { await null; return a() }; await a() | for (;;) await Promise.race([null, null]) | for (;;) await Promise.allSettled([Promise.reject(1)]) | const t: any = { then(ok: any) { ok(t) } }; await t | for (;;) { try { await Promise.reject(1) } catch {} } | await new Promise((ok) => { const s = () => Promise.resolve().then(s); s() })
$$
//# regular expressions that explode
//! ends: timeout
//! wall: 500
//! each: /^(a+)+$/ | /^(a|a)*$/ | /^(a|aa)+$/ | /^(.*a){20}$/ | /^((a+)*b?)*$/ | /(?=(a+))\1*$/ | /^(?:a?){40}a{40}$/ | /(\w+\s?)+$/
return $$.test('a'.repeat(40) + '!') || (() => { for (;;); })();
//# builtins that take long
//! ends: timeout, memory, error, ok
//! wall: 500
//! each: (2n ** (2n ** 25n)).toString() | (10n ** 3000000n) % 7n | 'a'.repeat(2e7).split('a').join('b').length | Array.from({ length: 3e6 }, (_, i) => i).sort(() => Math.random() - 0.5).length | [...Array(2e6).keys()].sort((a, b) => b - a).length | 'x'.padEnd(2e7, '\u0041\u030a').normalize('NFC').normalize('NFD').length | 'ä'.repeat(1e7).localeCompare('ä'.repeat(1e7)) | 'a'.repeat(1e7).toLocaleUpperCase('tr').length | JSON.stringify(Array(1e6).fill({ a: [1, 2] })).length | JSON.parse('[' + '[],'.repeat(3e6) + '0]').length | encodeURIComponent('ü'.repeat(1e7)).length | escape('ü'.repeat(1e7)).length | [...new Intl.Segmenter('en', { granularity: 'word' } as any).segment('a b '.repeat(5e5)) as any].length | new Intl.NumberFormat('en').format(10n ** 100000n).length | 'ab'.repeat(1e7).replace(/b/g, 'ccc').length | 'a'.repeat(5e7).lastIndexOf('b') | Array(1e7).fill(0).includes(1) | new Array(3e7).indexOf(1) | Number('9'.repeat(1e7)) | BigInt('9'.repeat(2e6)) % 3n | new Date(8.64e15).toLocaleString('ar-EG', { timeZone: 'Asia/Tokyo' }).length | Object.keys(Object.fromEntries(Array.from({ length: 5e5 }, (_, i) => [i, i]))).length
return String($$).length
//# fills without end
//! ends: timeout
//! wall: 500
//! each: u.fill(1) | u.sort() | u.reverse() | u.indexOf(9) | u.slice(1).set(u.subarray(1)) | u.copyWithin(1, 0) | u.join('').length | u.lastIndexOf(3)
const u = new Uint8Array(2e7); for (;;) $$;
