#!/usr/bin/env python3
"""./dev bench policy: what a decision on a batch of 8 calls costs under 1,000 rules, and the signatures of its grants apart.

Runs micro_policy.cpp and prints its percentiles. Standard library only."""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TARGET_US = 100.0  # of p99 of a batch, rules spread over tools as they are in practice
ROWS = [
    ("BM_EvaluateSpreadRules", "evaluation, rules spread over 500 tools"),
    ("BM_EvaluatePiledRules", "evaluation, all 1,000 rules on one tool"),
    ("BM_SignGrants", "signing 8 grants"),
]


def measure(options):
    argv = [ROOT / "build" / options.preset / "tests/bench/micro_policy", "--benchmark_format=json",
            f"--benchmark_min_time={options.seconds}"]
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"policy bench: micro_policy failed: {done.stderr}")
    return {row["name"]: row for row in json.loads(done.stdout)["benchmarks"]}


def main():
    parser = argparse.ArgumentParser(prog="./dev bench policy")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each row, at least")
    parser.add_argument("--json", help="file to keep the rows in")
    options = parser.parse_args()
    measured = measure(options)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"\npolicy · {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())} · commit {commit or 'none'} · preset {options.preset}")
    print(f"{model.group(1) if model else platform.processor()}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
          f"load {os.getloadavg()[0]:.1f}; a batch of 8 calls, 1,000 rules\n")
    print(f"{'':42} {'p50 µs':>9} {'p99 µs':>9} {'CPU p50':>9} {'CPU p99':>9} {'batches':>9}")
    for name, label in ROWS:
        row = measured[name]
        print(f"{label:42} {row['p50_us']:9.1f} {row['p99_us']:9.1f} {row['cpu_p50_us']:9.1f} {row['cpu_p99_us']:9.1f} "
              f"{row['iterations']:9}")
    spread = measured[ROWS[0][0]]
    verdict = "met" if spread["p99_us"] < TARGET_US else "missed"
    print(f"\ntarget: p99 of evaluation under {TARGET_US:.0f} µs: {verdict} ({spread['p99_us']:.1f} µs; "
          f"{spread['cpu_p99_us']:.1f} µs of CPU, which does not count what else the machine does)")
    if options.json:
        Path(options.json).write_text(json.dumps(list(measured.values()), indent=1))


if __name__ == "__main__":
    main()
