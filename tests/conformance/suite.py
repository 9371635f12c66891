"""What the conformance tests share: helper processes, and one run of the official suite over one revision's required scenarios."""

import json
import os
import re
import subprocess
import sys
import threading
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from case import NODE, StackTest  # noqa: E402, F401

SUITE = HERE / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
LEGACY, MODERN = "2025-11-25", "2026-07-28"
PROCESS_START_SECONDS_MAX = 20
SUITE_SECONDS_MAX = 200
REASON_CHARACTERS_MAX = 160


class NodeServer:
    """A script that prints its port once it listens."""

    def __init__(self, *argv, **env):
        self.process = subprocess.Popen([str(NODE), *map(str, argv)], env=dict(os.environ, **env), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        watch = threading.Timer(PROCESS_START_SECONDS_MAX, self.process.kill)
        watch.start()
        line = self.process.stdout.readline()
        watch.cancel()
        if not line:
            self.stop()
            raise AssertionError(f"{argv[0]} ended or did not listen within {PROCESS_START_SECONDS_MAX} s; its error is above")
        self.port = int(line)

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Run:
    """The required scenarios of one revision for one leg ("server" or "client"): which pass, and of the others why not."""

    def __init__(self, leg, revision, required, folder, *options, **env):
        self.leg, self.revision, self.folder = leg, revision, folder / f"{leg}-{revision}"
        done = subprocess.run([str(NODE), str(SUITE), leg, "--requirements", revision, "-o", str(self.folder), *map(str, options)],
                              env=dict(os.environ, **env), capture_output=True, text=True, timeout=SUITE_SECONDS_MAX)
        unscored = set(re.findall(r"^  [✓✗] (\S+) \(", done.stdout, re.M))
        # A scenario of which nothing was checked has not passed.
        passed = {name: failures == "0" and checks != "0" and not warnings for name, checks, failures, warnings in
                  re.findall(r"^[✓✗] (\S+): (\d+) passed, (\d+) failed(, \d+ warnings)?$", done.stdout, re.M)}
        self.scored = {name: ok for name, ok in passed.items() if name not in unscored}
        self.unscored = {name: ok for name, ok in passed.items() if name in unscored}
        if len(self.scored) != required:
            raise AssertionError(f"{len(self.scored)} instead of {required} scenarios ran:\n{done.stdout}{done.stderr}")

    def passing(self):
        return [name for name, ok in self.scored.items() if ok]

    def score(self):
        return f"{len(self.passing())} of {len(self.scored)}"

    def first(self, name, *statuses):
        """The first check of the scenario with one of these, in words; "" if it has none."""
        prefix = f"server-{name}" if self.leg == "server" else name
        for file in self.folder.glob(f"{prefix}-20*/checks.json"):
            for check in json.loads(file.read_text()):
                if check["status"] in statuses:
                    words = (check.get("errorMessage") or check["description"]).split()
                    return f": {check['id']}: {' '.join(words)[:REASON_CHARACTERS_MAX]}"
        return ""

    def show(self, title):
        print(f"\n{title}, {self.revision}:")
        for name, ok in {**self.scored, **self.unscored}.items():
            verdict = "passed" if ok else "not yet"
            if name in self.unscored:
                verdict += ", unscored"
            reason = self.first(name, "WARNING") if ok else self.first(name, "FAILURE", "WARNING") or ": nothing was checked"
            print(f"  {verdict:19}{name}" + reason)


def skip_if_missing():
    if not (SUITE.exists() and NODE.exists()):
        raise unittest.SkipTest("npm packages of the conformance tests are missing; ./dev setup installs them")
