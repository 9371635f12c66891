//# marks left in every place
//! each: globalThis.mark = '$MARK' | Object.prototype.mark = '$MARK' | Array.prototype.mark = '$MARK' | Function.prototype.mark = '$MARK' | console.mark = '$MARK' | Symbol.for('$MARK') | /($MARK)/.exec('$MARK') | Error.mark = '$MARK' | Promise.mark = '$MARK' | Intl.mark = '$MARK' | Math.mark = '$MARK' | JSON.mark = '$MARK' | Reflect.mark = '$MARK' | test.echo.mark = '$MARK' | new Intl.DateTimeFormat().mark = '$MARK' | Error.prepareStackTrace = () => '$MARK' | String.prototype.mark = '$MARK'
const g: any = globalThis; ((Object: any, Array: any, Function: any, console: any, Symbol: any, Error: any, Promise: any, Intl: any, Math: any, JSON: any, Reflect: any, test: any, String: any, globalThis: any) => { $$ })(g.Object, g.Array, g.Function, g.console, g.Symbol, g.Error, g.Promise, g.Intl, g.Math, g.JSON, g.Reflect, test, g.String, g);
await test.echo({ own: '$MARK' }); return 'left';
//# marks looked for in every place
//! each: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8
const texts: string[] = [String($$)]; const seen = new Set<any>(); const walk = (o: any, d: number) => { if (d > 4 || (typeof o !== 'object' && typeof o !== 'function') || o === null || seen.has(o)) return; seen.add(o);
  for (const k of Reflect.ownKeys(o)) { texts.push(String(k)); try { const v = o[k]; if (typeof v === 'string') texts.push(v); else walk(v, d + 1) } catch {} } walk(Object.getPrototypeOf(o), d + 1) };
walk(globalThis, 0); walk(test, 0); texts.push((RegExp as any).$1, (RegExp as any).lastMatch, (RegExp as any).$_, String(new Error('x').stack)); return texts.join(' ').slice(0, 200000);
//# memory that was never written
const out: number[] = []; for (let i = 0; i < 16; ++i) { const a = new Uint32Array(8192); for (const b of a) if (b !== 0) out.push(b) } return out.length ? $WIN : 'zero';
//# memory freed and taken again
let seen = 0; for (let i = 0; i < 50; ++i) { const a = new Uint32Array(2048); for (const v of a) if (v) ++seen; a.fill(0xdeadbeef) } return seen ? $WIN : 'zero';
//# the seed and the clock of another run
return [Math.random(), Math.random(), Date.now(), new Date().getTimezoneOffset()];
//# a clock finer than the run
const t: number[] = []; for (let i = 0; i < 1000; ++i) { t.push(Date.now()); for (let j = 0; j < 1000; ++j); } return new Set(t).size > 1 ? $WIN : 'still';
//# a clock made of a counter and tools
let n = 0; const p = test.echo({}); const count = async () => { for (let i = 0; i < 2000; ++i) { ++n; await null } }; await Promise.all([p, count()]); return n;
//# crash, then the next one
//! ends: memory, killed
return 'a'.padEnd(2 ** 28).split('').length;
