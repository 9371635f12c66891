#!/usr/bin/env python3
"""./dev bench codemode: scripts in one runner, without the rest of Sluice: start of a trivial script, scripts per second, memory.

The service's side is tests/bench/script_driver.cpp. "cached" repeats one script, which is compiled once; "distinct" gives the
compiler another one each time. "checked" is a script of 30 lines that is checked against 100 tools, another one each time;
"checked, cached" repeats it; the service proceeds at once. First line = compiling and the executor's start to the first line of the
script, as the runner tells; finished = from Run sent to Finished received, as the driver sees it. The peer is workerd (peers/), which
npm brings. Standard library only."""

import argparse
import json
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WARM_SECONDS_MAX = 120
HELD = 4  # the executors forked ahead, which then are the active ones
PARKED = (8, 72)  # the difference tells what one more costs
CALLS = 2000  # of a tool, in one script
TARGETS = {"first_line_ms": 5.0, "per_second": 150.0, "parked_mb": 1.0, "check_ms": 60.0}
PEERS = ROOT / "tests" / "bench" / "peers"
PEER_RUNS = 200
TRIVIAL = ("cached", "distinct")
CHECKED = ("checked", "checked, cached")
CHECKED_RUNS_MAX = 200


def children_of(pid):
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(p) for p in (task / "children").read_text().split()]
    return found


def memory_kb(pid):
    """Private and proportional memory of a process, which may end meanwhile."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    fields = {k: int(v) for k, v in re.findall(r"^(\w+):\s+(\d+) kB", text, re.M)}
    if not fields:
        return None
    return {"private": fields["Private_Clean"] + fields["Private_Dirty"], "pss": fields["Pss"], "rss": fields["Rss"]}


def all_in_kb(pids):
    """Proportional memory and page tables of the processes together."""
    total = 0
    for pid in pids:
        memory = memory_kb(pid)
        tables = re.search(r"^VmPTE:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)
        total += (memory["pss"] if memory else 0) + (int(tables.group(1)) if tables else 0)
    return total


def median_memory(pids):
    values = [v for v in map(memory_kb, pids) if v]
    return {k: statistics.median(v[k] for v in values) / 1024 for k in ("private", "pss", "rss")} if values else None


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(ask, seconds):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        (self.folder / "sockets").mkdir()
        self.build = ROOT / "build" / options.preset
        self.runner = None
        self.times = {kind: [] for kind in TRIVIAL + CHECKED}
        self.rates = {kind: [] for kind in TRIVIAL}
        self.memory = {}
        self.calls = {}
        self.parked_mb = 0.0
        self.peer = None
        self.failed = 0

    def start(self):
        programs = (self.build / "bin" / "codemode-runner", self.build / "tests" / "bench" / "script_driver")
        for program in programs:
            if not program.exists():
                sys.exit(f"{program} is missing; run ./dev build {self.options.preset}")
        self.log = open(self.folder / "log", "w")
        self.runner = subprocess.Popen([programs[0], "--sockets", self.folder / "sockets", "--run-directory", self.folder / "run"],
                                       stderr=self.log)
        deadline = time.monotonic() + WARM_SECONDS_MAX
        while not list((self.folder / "run").glob("runner-*.json")):
            if time.monotonic() > deadline or self.runner.poll() is not None:
                sys.exit("the runner did not get ready:\n" + (self.folder / "log").read_text())
            time.sleep(0.05)
        self.v8 = re.search(r"runner-ready.*v8=(\S+)", (self.folder / "log").read_text()).group(1)

    def stop(self):
        if self.runner:
            self.runner.terminate()
            try:
                self.runner.wait(15)
            except subprocess.TimeoutExpired:
                self.runner.kill()
            self.log.close()
        if self.options.keep:
            print(f"log kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def driver(self, mode, runs, at_once=4, kind="cached"):
        return [str(self.build / "tests" / "bench" / "script_driver"), "--sockets", str(self.folder / "sockets"), "--mode", mode,
                "--runs", str(runs), "--at-once", str(at_once), "--distinct", str(int(kind in ("distinct", "checked"))),
                "--checked", str(int(kind in CHECKED))]

    def measure(self, mode, runs, at_once, kind):
        done = subprocess.run(self.driver(mode, runs, at_once, kind), capture_output=True, text=True, timeout=180)
        if done.returncode != 0:
            raise RuntimeError(f"the driver failed: {done.stderr.strip()}")
        result = json.loads(done.stdout)
        self.failed += result["failed"]
        return result

    # --- memory -----------------------------------------------------------------------------------------------------------

    def zygote(self, kind):
        for pid in children_of(self.runner.pid):
            if kind.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                return pid
        raise RuntimeError(f"the runner has no {kind} zygote")

    def measure_memory(self):
        time.sleep(0.5)  # what was forked ahead has come to rest
        self.memory["supervisor"] = median_memory([self.runner.pid])
        for kind in ("compiler", "executor"):
            zygote = self.zygote(kind)
            self.memory[f"{kind} zygote"] = median_memory([zygote])
            self.memory[f"{kind} child, idle"] = median_memory(children_of(zygote))
        idle = children_of(self.zygote("executor"))
        holding = self.held(HELD, park=False)
        self.memory["executor child, waiting in a tool call"] = median_memory(idle)
        holding.communicate()

    def held(self, count, park):
        holding = subprocess.Popen([*self.driver("hold", count), "--park", str(int(park))], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True)
        if holding.stdout.readline().strip() != "holding":
            raise RuntimeError("the driver does not hold its scripts")
        return holding

    def measure_parked(self):
        """What one more parked run costs, page tables and its share of the zygote's pages included."""
        totals = []
        for count in PARKED:
            holding = self.held(count, park=True)
            time.sleep(0.5)
            zygote = self.zygote("executor")
            totals.append(all_in_kb([zygote, *children_of(zygote)]))
            holding.communicate()
            time.sleep(0.5)
        self.parked_mb = (totals[1] - totals[0]) / (PARKED[1] - PARKED[0]) / 1024

    # --- the peer ---------------------------------------------------------------------------------------------------------

    def measure_peer(self):
        """workerd with its dynamic worker loader: one request, one fresh isolate, the same trivial script."""
        sys.path.insert(0, str(ROOT / "tests" / "support"))
        import setup
        try:
            setup.install_node_packages(PEERS)
        except (setup.SetupError, OSError) as error:
            print(f"   no peer: {error}")
            return
        port = free_port()
        log = open(self.folder / "peer.log", "w")
        peer = subprocess.Popen([PEERS / "node_modules/@cloudflare/workerd-linux-64/bin/workerd", "serve", PEERS / "workerd.capnp",
                                 "--experimental", "--socket-addr", f"http=127.0.0.1:{port}"], stdout=log, stderr=log)
        try:
            ask = lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read()
            wait_for(ask, 30)
            times = []
            for _ in range(PEER_RUNS):
                begin = time.perf_counter()
                if ask() != b"42":
                    raise RuntimeError("the peer answers something else")
                times.append((time.perf_counter() - begin) * 1000)
            begin = time.perf_counter()
            with ThreadPoolExecutor(self.options.at_once) as pool:
                list(pool.map(lambda _: ask(), range(PEER_RUNS)))
            self.peer = {"p50": statistics.median(times), "p95": sorted(times)[int(len(times) * 0.95)],
                         "per_second": PEER_RUNS / (time.perf_counter() - begin), "memory": memory_kb(peer.pid)}
        finally:
            peer.kill()
            peer.wait()
            log.close()

    # --- the run ----------------------------------------------------------------------------------------------------------

    def run(self):
        runs = self.options.runs
        self.measure("many", min(runs, 100), 4, "distinct")  # code and pages that every later run uses
        self.measure("one", min(runs, 30), 1, "checked")
        for _ in range(self.options.rounds):
            for kind in CHECKED:
                self.times[kind].append(self.measure("one", min(runs, CHECKED_RUNS_MAX), 1, kind))
                print(f"   {kind}: check p50 {self.times[kind][-1]['compile']['p50'] / 1000:.2f} ms, "
                      f"first line p50 {self.times[kind][-1]['first_line']['p50'] / 1000:.2f} ms", flush=True)
            for kind in TRIVIAL:
                self.times[kind].append(self.measure("one", runs, 1, kind))
                self.rates[kind].append(self.measure("many", runs, self.options.at_once, kind))
                print(f"   {kind}: first line p50 {self.times[kind][-1]['first_line']['p50'] / 1000:.2f} ms, "
                      f"{self.rates[kind][-1]['per_second']:.0f} scripts/s", flush=True)
        self.calls = self.measure("calls", min(CALLS, 10 * runs), 1, "cached")
        self.measure_memory()
        self.measure_parked()
        if not self.options.smoke:
            self.measure_peer()

    def of(self, kind, what, quantile):
        return statistics.median(r[what][quantile] for r in self.times[kind]) / 1000

    def rate(self, kind):
        return statistics.median(r["per_second"] for r in self.rates[kind])

    def print_report(self):
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        print(f"\ncodemode · {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())} · commit {commit or 'none'} · preset {self.options.preset} · "
              f"V8 {self.v8}")
        print(f"{model.group(1) if model else platform.processor()}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
              f"load {os.getloadavg()[0]:.1f}; medians of {self.options.rounds} rounds of {self.options.runs} scripts\n")
        print("| trivial script, one after the other | compile ms p50 / p95 | start ms p50 / p95 | first line ms p50 / p95 | "
              "finished ms p50 / p95 | scripts/s, " + str(self.options.at_once) + " at once |")
        print("|---|---|---|---|---|---|")
        for kind in TRIVIAL:
            cells = [f"{self.of(kind, what, 'p50'):.2f} / {self.of(kind, what, 'p95'):.2f}"
                     for what in ("compile", "start", "first_line", "finished")]
            print(f"| {kind} | " + " | ".join(cells) + f" | {self.rate(kind):.0f} |")
        print("\n| 30 lines, 100 tools, one after the other | check ms p50 / p99 | request to its findings ms p50 / p99 | start ms p50 / p99 | "
              "first line ms p50 / p99 |\n|---|---|---|---|---|")
        for kind in CHECKED:
            cells = [f"{self.of(kind, what, 'p50'):.2f} / {self.of(kind, what, 'p99'):.2f}"
                     for what in ("compile", "checked", "start", "first_line")]
            print(f"| {kind} | " + " | ".join(cells) + " |")
        print("\n| process | private MB | proportional MB | resident MB |\n|---|---|---|---|")
        for name, memory in self.memory.items():
            if memory:
                print(f"| {name} | {memory['private']:.2f} | {memory['pss']:.2f} | {memory['rss']:.1f} |")
        print(f"\ntool call, there and back, in one script: {self.calls['one_by_one_us']:.0f} µs one by one, "
              f"{self.calls['hundred_at_once_us']:.0f} µs each with 100 at once")
        print(f"one more parked run, page tables and its share of the zygote's pages included: {self.parked_mb:.2f} MB")
        self.print_peer()
        self.print_targets()

    def print_peer(self):
        if not self.peer:
            return
        ours = self.of("distinct", "finished", "p50"), self.of("cached", "finished", "p50"), self.rate("distinct")
        print(f"\nworkerd, a fresh isolate in one shared process for each script, in the same run: p50 {self.peer['p50']:.2f} ms, "
              f"p95 {self.peer['p95']:.2f} ms, {self.peer['per_second']:.0f} scripts/s, {self.peer['memory']['rss'] / 1024:.0f} MB resident. "
              f"Sluice, a fresh jailed process each: {ours[0] / self.peer['p50']:.2f} times its time for new scripts, "
              f"{ours[1] / self.peer['p50']:.2f} times for a repeated one, {ours[2] / self.peer['per_second']:.2f} times its scripts/s")

    def print_targets(self):
        if self.options.smoke:
            return
        print("\nTargets\n")
        check, start = self.of("checked", "compile", "p50"), self.of("checked, cached", "first_line", "p50")
        for text, value, bound in (("check of 30 lines against 100 tools, p50 ms", check, TARGETS["check_ms"]),
                                   ("start of a checked script that is cached, p50 ms", start, TARGETS["first_line_ms"])):
            print(f"- {text}: {value:.2f} (target ≤ {bound}): {'met' if value <= bound else 'MISSED'}")
        for kind in TRIVIAL:
            first, rate = self.of(kind, "first_line", "p50"), self.rate(kind)
            for text, value, bound, good in (
                    ("start of a trivial script, p50 ms", first, f"≤ {TARGETS['first_line_ms']}", first <= TARGETS["first_line_ms"]),
                    ("trivial scripts per second", rate, f"≥ {TARGETS['per_second']}", rate >= TARGETS["per_second"])):
                print(f"- {kind}: {text}: {value:.2f} (target {bound}): {'met' if good else 'MISSED'}")
        parked = TARGETS["parked_mb"]
        print(f"- parked run, MB: {self.parked_mb:.2f} (target ≤ {parked}): {'met' if self.parked_mb <= parked else 'MISSED'}")


def main():
    parser = argparse.ArgumentParser(prog="./dev bench codemode", description=__doc__.split("\n")[0])
    parser.add_argument("--smoke", action="store_true", help="a few scripts; fails on any error")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--at-once", type=int, default=4)
    parser.add_argument("--json", help="also write every measured row to this file")
    parser.add_argument("--keep", action="store_true", help="keep the log")
    options = parser.parse_args()
    for name, full, smoke in (("rounds", 3, 1), ("runs", 500, 20)):
        if getattr(options, name) is None:
            setattr(options, name, smoke if options.smoke else full)
    bench = Bench(options)
    try:
        bench.start()
        bench.run()
        bench.print_report()
    finally:
        bench.stop()
    if options.json:
        Path(options.json).write_text(json.dumps({"times": bench.times, "rates": bench.rates, "memory": bench.memory}, indent=1))
    if bench.failed:
        sys.exit(f"{bench.failed} scripts did not end well")


if __name__ == "__main__":
    main()
