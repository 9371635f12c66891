// Scripts of many kinds, so that the compiler's functions are compiled and have seen types before the
// first fork.
import DECLARATIONS from "text:cases/tools.d.ts";
import ASYNC from "text:cases/valid_async.cases";
import TOOLS from "text:cases/valid_tools.cases";
import TYPES from "text:cases/valid_types.cases";
import LISTED from "text:cases/calls_listed.cases";
import ARGUMENTS from "text:cases/wrong_argument_type.cases";
import { keepPrepared } from "./checker.js";

// Source: v8.md 2.4: what is gained after a hundred checks is little.
const STEPS = 120;
const DIGEST = "warm-up";

const BETWEEN = /^\/\/\/\/ .*\n/m;
// The first script is the longest, so that few steps do already much.
const SCRIPTS = [ASYNC, TOOLS, TYPES, ARGUMENTS, LISTED].flatMap((cases) => cases.split(BETWEEN).slice(1));

// (step) => whether there are more. Errors of the bundle are thrown.
export function warmUpWith(compile) {
  const order = [...SCRIPTS].sort((a, b) => (a.length > 400) === (b.length > 400) ? 0 : a.length > b.length ? -1 : 1);
  return (step) => {
    keepPrepared(DIGEST, DECLARATIONS);
    const { javascript, diagnostics } = compile(order[(step * 7) % order.length], DECLARATIONS, DIGEST);
    if (javascript === undefined && !diagnostics[0].blocks) {
      throw new Error("a script that nothing blocks has no JavaScript");
    }
    return step + 1 < STEPS;
  };
}
