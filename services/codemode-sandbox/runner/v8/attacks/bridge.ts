//# a tool that was not granted
//! each: other.steal | test.steal | test.ECHO | test.echo2 | test.constructor | test.then | test.__proto__ | test.toString | test['ec\u0000ho'] | test['\u0065cho '] | test[Symbol.iterator as any] | test['ｅcho']
try { return typeof ($$ as any)({}) } catch (e: any) { return e.name }
//# a name from a Proxy that changes
let n = 0; const k: any = { toString() { return ++n % 2 ? 'echo' : 'steal' } }; const out: any[] = []; for (let i = 0; i < 4; ++i) try { out.push(typeof await (test as any)[k]({})) } catch (e: any) { out.push(e.name) } return out;
//# call ids and names forged in arguments
return await test.echo({ call_id: 1, run_id: 'run_other', server: 'other', function: 'steal', arguments: { a: 1 }, '\u0000': 1 } as any);
//# a call with another this
//! each: call | apply | bind
const f: any = test.echo; return await ('$$' === 'apply' ? f.apply({ server: 'other' }, [{ a: 1 }]) : '$$' === 'bind' ? f.bind({ server: 'other' }, { a: 1 })() : f.call(null, { a: 1 }));
//# a tool as a constructor
try { new (test.echo as any)({}); return $WIN } catch (e: any) { return e.name }
//# a tool's function changed
(test.echo as any).x = 1; try { Object.defineProperty(test.echo, 'name', { value: 'steal' }) } catch {} return [await test.echo({ a: 1 }), test.echo.length];
//# re-entrancy: a getter of the arguments calls the tool
const o: any = { get a() { test.echo({ inner: 1 }); return 1 } }; return await test.echo(o);
//# re-entrancy: toJSON calls the tool with itself
//! ends: ok, error, timeout, memory
let n = 0; const o: any = { toJSON() { if (++n < 50) test.echo(o); return { n } } }; return [await test.echo(o), n];
//# re-entrancy: without end
//! ends: ok, error
const o: any = { toJSON() { test.echo(o); return {} } }; try { await test.echo(o); return 'sent' } catch (e: any) { return e.name }
//# re-entrancy: ownKeys changes what is read
const t: any = { a: 1 }; const p = new Proxy(t, { ownKeys(x) { delete x.a; x.b = { get c() { return t } }; return Reflect.ownKeys(x) } }); try { return await test.echo(p) } catch (e: any) { return e.name }
//# re-entrancy: arguments that differ at each reading
let n = 0; const o = { get path() { return ++n === 1 ? '/safe' : '/etc/shadow' } }; const r: any = await test.echo(o); return [n, r.path];
//# re-entrancy: the array shrinks while it is read
const a: any[] = [1, { toJSON() { a.length = 0; return 2 } }, 3, 4]; return await test.echo({ a });
//# re-entrancy: a getter of the value calls tools and throws
//! ends: error
return { get a() { test.echo({ late: 1 }); throw new Error('late') } };
//# re-entrancy: then of a result is polluted
let n = 0; (Object.prototype as any).then = function (ok: any) { ++n; delete (Object.prototype as any).then; ok({ b: 2 }) }; const r = await test.echo({ a: 1 }); return [n, r];
//# re-entrancy: then of a result never calls back
//! ends: deadlock
(Object.prototype as any).then = function () {}; await test.echo({ a: 1 });
//# weird keys in arguments
//! each: __proto__ | constructor | toString | hasOwnProperty | 0 | -1 | 1e3 | 4294967296 | ' ' | '' | '\u0000' | '\ud800' | '\u2028' | '\ufeff' | '__defineGetter__'
const k = `$$`.replace(/^'|'$/g, ''); const o: any = JSON.parse(`{${JSON.stringify(k)}: {"x": 1}}`); const r: any = await test.echo(o); return [Object.keys(r), ({} as any).x === undefined ? 'clean' : $WIN];
//# weird values in arguments
//! each: NaN | Infinity | -0 | 1e400 | undefined | null | Symbol('x') | () => 1 | '\u0000' | '\ud800' | '\udfff\ud800' | new Date(NaN) | new Date(8.64e15) | /x/g | [,,1] | new String('{') | new Number(1) | Object(1n) | document
try { return await test.echo({ v: ($$) as any }) } catch (e: any) { return e.name ?? e.code }
//# arguments that are no object
//! each: 1 | '{"a":1}' | null | undefined | [1] | true | 1n | Symbol() | () => 1 | new String('{}') | new Date(0) | Object('{}') | test | test.echo
try { return await (test as any).echo($$) } catch (e: any) { return e.code ?? e.name }
//# toJSON that answers text that is JSON
//! each: '{"a":1}' | '}' | undefined | null | [] | 5
try { return await test.echo({ toJSON() { return $$ } } as any) } catch (e: any) { return e.code ?? e.name }
//# arguments of one megabyte and more
//! each: 1e6 | 1048550 | 1048576 | 2e6 | 8e6
try { const r: any = await test.echo({ a: 'x'.repeat($$) }); return r.a.length } catch (e: any) { return e.code }
//# keys of one megabyte
try { const r: any = await test.echo({ ['k'.repeat(1e6)]: 1 }); return Object.keys(r)[0].length } catch (e: any) { return e.code }
//# escapes that grow sixfold
try { await test.echo({ a: '\u0001'.repeat(3e5) }); return 'sent' } catch (e: any) { return e.code }
//# surrogates that grow
try { await test.echo({ a: '\ud83d'.repeat(2e5) }); return 'sent' } catch (e: any) { return e.code }
//# a hundred thousand keys
const o: any = {}; for (let i = 0; i < 1e5; ++i) o['k' + i] = i; try { return Object.keys(await test.echo(o)).length } catch (e: any) { return e.code }
//# a hostile result
const r: any = await test.poison({}); const o: any = {}; for (const k of Object.keys(r)) try { o[k] = r[k] } catch {} return [({} as any).polluted === undefined ? 'clean' : $WIN, Object.keys(r).length];
//# a hostile result assigned and spread
const r: any = await test.poison({}); const a = { ...r }; const b = Object.assign({}, r); return [({} as any).polluted ?? 'clean', Object.keys(a).length, Object.keys(b).length];
//# the message of a tool's error is text
try { await test.fail({}) } catch (e: any) { return [typeof e.message, typeof e.code, e.name] }
//# many results of one megabyte
const all = await Promise.all(Array.from({ length: 8 }, () => test.big({}))); return all.length;
