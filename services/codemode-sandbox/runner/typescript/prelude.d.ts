// What scripts have besides the language: v8/README.md. Read with lib.d.ts, which bundle.mjs makes.
interface Console {
  debug(...data: any[]): void;
  error(...data: any[]): void;
  info(...data: any[]): void;
  log(...data: any[]): void;
  warn(...data: any[]): void;
}
declare const console: Console;

// Functions are told apart by it; it makes none.
interface FunctionConstructor extends Function {
  readonly prototype: Function;
}
declare var Function: FunctionConstructor;

// What a failed call of a tool rejects with has a code, and where a value does not fit a schema a JSON pointer to it.
interface Error {
  code?: any;
  path?: string;
}
interface ErrorConstructor {
  captureStackTrace(target: object, above?: (...args: any[]) => any): void;
  stackTraceLimit: number;
}

// In every V8 this is built with, and not in lib.es2022.
interface Array<T> {
  findLast<S extends T>(predicate: (value: T, index: number, array: T[]) => value is S): S | undefined;
  findLast(predicate: (value: T, index: number, array: T[]) => unknown): T | undefined;
  findLastIndex(predicate: (value: T, index: number, array: T[]) => unknown): number;
}
interface ReadonlyArray<T> {
  findLast<S extends T>(predicate: (value: T, index: number, array: readonly T[]) => value is S): S | undefined;
  findLast(predicate: (value: T, index: number, array: readonly T[]) => unknown): T | undefined;
  findLastIndex(predicate: (value: T, index: number, array: readonly T[]) => unknown): number;
}
