// Questions about types that the diagnostics turn on.
import ts from "typescript";
import { DECLARATIONS_NAME } from "./checker.js";
import { SCRIPT_NAME } from "./script.js";

const UNKNOWABLE = ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Never | ts.TypeFlags.Instantiable |
  ts.TypeFlags.NonPrimitive;
const NULLISH = ts.TypeFlags.Null | ts.TypeFlags.Undefined | ts.TypeFlags.Void;
const PRIMITIVE = ts.TypeFlags.StringLike | ts.TypeFlags.NumberLike | ts.TypeFlags.BigIntLike |
  ts.TypeFlags.BooleanLike | ts.TypeFlags.ESSymbolLike;

// How deep two types are compared. Deeper is taken to fit.
const DEPTH_MAX = 6;

export function membersOf(type) {
  return type.isUnion() ? type.types : [type];
}

export function isPrimitive(type) {
  return (type.flags & PRIMITIVE) !== 0;
}

export function isNullish(type) {
  return (type.flags & NULLISH) !== 0;
}

export function isUnknowable(type) {
  return (type.flags & UNKNOWABLE) !== 0;
}

function fileNameOf(symbol) {
  return symbol?.declarations?.[0]?.getSourceFile().fileName;
}

export function isOfTools(type) {
  return fileNameOf(type.aliasSymbol) === DECLARATIONS_NAME || fileNameOf(type.symbol) === DECLARATIONS_NAME;
}

export function isOfScript(type) {
  return fileNameOf(type.symbol) === SCRIPT_NAME;
}

export function isPromise(type) {
  return type !== undefined && type.symbol?.escapedName === "Promise" && !isOfScript(type) &&
    (type.flags & ts.TypeFlags.Object) !== 0;
}

// All that there is of such an object is in its type.
function isLiteral(type) {
  return type.symbol !== undefined && (type.symbol.flags & ts.SymbolFlags.ObjectLiteral) !== 0 ||
    (ts.getObjectFlags(type) & (ts.ObjectFlags.ObjectLiteral | ts.ObjectFlags.FreshLiteral)) !== 0;
}

export function isClassOrLiteral(type) {
  return isLiteral(type) || (type.symbol?.flags & ts.SymbolFlags.Class) !== 0;
}

export class Comparison {
  constructor(checker, node) {
    this.checker = checker;
    this.node = node;
  }

  // No value of the source type is one of the target type. Where that cannot be said, it fits.
  // nullish: whether null and undefined are values as others; else they fit everywhere.
  isWrong(source, target, nullish, depth = 0) {
    if (depth > DEPTH_MAX || this.fits(source, target, nullish)) {
      return false;
    }
    if (source.isUnion()) {
      const members = source.types.filter((t) => !isNullish(t));
      return members.length > 0 && members.every((t) => this.isWrong(t, target, nullish, depth));
    }
    if (target.isUnion()) {
      return target.types.every((t) => this.isWrong(source, t, nullish, depth));
    }
    if (target.isIntersection()) {
      return target.types.some((t) => this.isWrong(source, t, nullish, depth));
    }
    if (isPrimitive(source) || isPrimitive(target) || isNullish(source) || isNullish(target)) {
      return true;
    }
    return this.areWrongObjects(source, target, nullish, depth);
  }

  fits(source, target, nullish) {
    return isUnknowable(source) || isUnknowable(target) || (isNullish(source) && !nullish) ||
      this.checker.isTypeAssignableTo(source, target) ||
      (!isLiteral(source) && this.checker.isTypeAssignableTo(target, source));
  }

  areWrongObjects(source, target, nullish, depth) {
    const { checker } = this;
    if (target.getCallSignatures().length > 0) {
      return source.getCallSignatures().length === 0 && !isOfScript(source);
    }
    if (checker.isArrayType(target) || checker.isTupleType(target)) {
      return this.isWrongArray(source, target, nullish, depth);
    }
    if (isPromise(source) !== isPromise(target)) {
      return isPromise(source);
    }
    return target.getProperties().some((property) => this.isWrongProperty(source, property, nullish, depth));
  }

  isWrongArray(source, target, nullish, depth) {
    const { checker } = this;
    if (!checker.isArrayType(source) && !checker.isTupleType(source)) {
      return isLiteral(source) || isPromise(source) || source.getCallSignatures().length > 0;
    }
    const [from, to] = [source, target].map((t) => checker.getIndexTypeOfType(t, ts.IndexKind.Number));
    return from !== undefined && to !== undefined && this.isWrong(from, to, nullish, depth + 1);
  }

  isWrongProperty(source, property, nullish, depth) {
    const { checker, node } = this;
    const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const own = source.getProperty(property.name);
    if (own === undefined) {
      // A member that only the tools' declarations want is missing in the call's arguments.
      return !optional && fileNameOf(property) === DECLARATIONS_NAME &&
        (isLiteral(source) || checker.isArrayType(source) || source.getCallSignatures().length > 0);
    }
    if (optional && (own.flags & ts.SymbolFlags.Optional) !== 0) {
      return false;
    }
    const [from, to] = [own, property].map((s) => checker.getTypeOfSymbolAtLocation(s, node));
    return this.isWrong(from, to, nullish, depth + 1);
  }
}
