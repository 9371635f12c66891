//# constructors of code
//! each: Function | (async () => 0).constructor | (function* () {}).constructor | (async function* () {}).constructor | Object.getPrototypeOf(class {}).constructor | (class { static m() {} }).m.constructor | Reflect.getPrototypeOf(() => 0)!.constructor | test.echo.constructor | console.log.constructor | Proxy.constructor
const C: any = $$; const out: any[] = []; for (const f of [() => C('return 1'), () => new C('return 1'), () => Reflect.construct(C, ['a', 'return a']), () => C.apply(null, ['return 1'])]) try { f(); return $WIN } catch (e: any) { out.push(e.name) } return out;
//# code from no text, which is allowed nowhere
//! each: '' | undefined | ' ' | '\n' | {} | []
try { const f = new (Function as any)($$); return typeof f === 'function' ? $WIN : 0 } catch (e: any) { return e.name }
//# a class that extends Function
class F extends Function { constructor() { super('return this') } } try { new (F as any)(); return $WIN } catch (e: any) { return e.name }
//# Reflect.construct with Function as the new target
try { const f: any = Reflect.construct(Object, [], Function); return typeof f === 'function' ? $WIN : Object.getPrototypeOf(f) === Function.prototype } catch (e: any) { return e.name }
//# code by a regular expression's replacement
return 'a'.replace(/a/, (() => 0).constructor as any === Function ? (m: any) => { try { return Function('return 1')() } catch (e: any) { return e.name } } : 'x');
//# code by JSON's reviver
try { return JSON.parse('{"a":"1+1"}', Function as any) } catch (e: any) { return e.name }
//# code by sort, map and then
//! each: ['1', '2'].map(Function as any) | ['a', 'b'].sort(Function as any) | await Promise.resolve('return 1').then(Function as any) | ['x'].reduce(Function as any, 'y') | Array.from(['1'], Function as any) | 'x'.replace('x', Function as any)
try { const r: any = $$; return typeof r === 'function' || typeof r?.[0] === 'function' ? $WIN : typeof r } catch (e: any) { return e.name }
//# code by a tagged template
try { return (Function as any)`return 1`() === 1 ? $WIN : 0 } catch (e: any) { return e.name }
//# codegen turned on again
//! each: (globalThis as any).AllowCodeGenerationFromStrings?.(true) | (Function as any).enabled = true | Object.defineProperty(Function.prototype, 'constructor', { value: Function }) | delete (globalThis as any).Function
try { $$ } catch {} try { return (() => 0).constructor('return 1')() === 1 ? $WIN : 0 } catch (e: any) { return e.name }
