//# types that never end
//! ends: ok, type, error, timeout, memory, killed
//! declared: yes
//! each: type R<N extends number, A extends any[] = []> = A['length'] extends N ? A : R<N, [...A, 1]>; const x: R<9999> = [] as any; return x.length | type D = '0' \| '1' \| '2' \| '3' \| '4' \| '5' \| '6' \| '7' \| '8' \| '9'; type N = `${D}${D}${D}${D}${D}${D}`; const x: N = '000000'; return x | type T<A extends any[]> = [...A, ...A, ...A, ...A]; type U = T<T<T<T<T<T<T<T<T<[1]>>>>>>>>>; const x: U = [] as any; return x.length | type F<T> = { [K in keyof T]: F<T[K]> } & { a: F<T> }; const x: F<{ a: 1 }> = {} as any; return x.a.a.a.a.a.a.a.a.a.a | interface A<T> { b: A<A<T>> } const x: A<1> = {} as any; const y: A<2> = x as any; return x.b.b.b.b === (y as any) | type P<T> = T extends [infer H, ...infer R] ? [...P<R>, H] : []; const x: P<[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]> = [] as any; return x.length | const f = <T>(x: T): [T, T] => [x, x]; return f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(f(1)))))))))))))))))))).length | type J = 'a' \| 'b' \| 'c' \| 'd'; type X<A extends string, N extends any[] = []> = N['length'] extends 12 ? A : X<`${A}${J}`, [...N, 1]>; const x: X<''> = '' as any; return x | class A<T> { m<U extends A<A<T>>>(u: U): A<U> { return this as any } } return new A<1>().m(new A<any>() as any).m({} as any) ? 1 : 0 | let x: any = 1; type Deep = { [k: string]: Deep } \| Deep[]; const d: Deep = [[[[[[[[[[{}]]]]]]]]]]; return d.length | type L<S extends string> = S extends `${infer A}${infer B}` ? L<B> : 1; const x: L<'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'> = 1; return x
$$
//# text that is hard to check
//! ends: ok, type, error, timeout, memory, killed
//! declared: yes
//! each: parens | arrays | plus | templates | conditionals | generics | unions | objects | calls | arrows | types | optional
//! generate: yes
//# the checker told to look away
//! ends: ok, type, error
//! declared: yes
//! each: // @ts-nocheck | // @ts-ignore | // @ts-expect-error | /* @ts-ignore */ | /// <reference path="$FILE" /> | /// <reference lib="dom" /> | /// <reference types="node" /> | declare const other: any; | declare global { const other: any } | declare module 'fs' { export const x: 1 } | declare const test: any; | const test = globalThis as any; | namespace test { export const steal = 1 } | interface test { steal(): void } | /** @type {any} */ | // @ts-check off | import type { x } from '$FILE';
$$
try { return typeof (other as any).steal({}) } catch (e: any) { return String(e.name) }
//# calls hidden from the checker
//! ends: ok, type, error
//! declared: yes
//! each: (test as any)['ec' + 'ho'] | Reflect.get(test, 'echo') | Object.values(test)[0] | (globalThis as any)['te' + 'st'].echo | new Proxy(test, {}).echo | Object.entries(test).map((e) => e[1])[0] | { ...test }.echo | (test.echo as Function).bind(null) | [test.echo][0] | JSON.parse('{}').echo ?? (test as any).steal
const f: any = $$; try { return await f({ a: 1 }) } catch (e: any) { return e.name }
