#!/usr/bin/env python3
"""./dev bench hot-path: chat completions straight to a mock upstream, through nginx, and through Sluice, in one interleaved run.

Added latency is a variant's latency less the direct one of the same round. "gateway" runs with the audit consumer stopped (SIGSTOP),
so that the trail's database work is not on the bill of the request; "draining" runs with it at work. Both keep every record:
the outbox and JetStream take them in either case. Standard library only."""

import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tests" / "support"))
from stack import SERVICES, Stack, free_port  # noqa: E402

MODEL = "mock/bench-1"
DRAIN_SECONDS_MAX = 90
TARGETS = {"p50": 7.0, "rps": 0.4, "timers": 10.0, "rss": 20.0}

NGINX_CONF = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr error; {user}
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 1000000000; client_body_buffer_size 64k; client_max_body_size 16m; tcp_nodelay on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ proxy_pass http://mock; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }}
  }}
}}
"""


class Scenario:
    VARIANTS = ["direct", "nginx", "gateway"]

    def __init__(self, name, connections, rate=0, stream=False, draining=False):
        self.name, self.connections, self.rate, self.stream, self.draining = name, connections, rate, stream, draining

    def variants(self):
        return self.VARIANTS + (["draining"] if self.draining else [])


SCENARIOS = [
    Scenario("plain, 1 connection", 1, draining=True),
    Scenario("plain, 32 connections", 32, draining=True),
    Scenario("plain, 1,000 rps", 64, rate=1000),
    Scenario("plain, 3,000 rps", 64, rate=3000),
    Scenario("stream, 1 connection", 1, stream=True),
    Scenario("stream, 16 connections", 16, stream=True),
]
SMOKE_SCENARIOS = [
    Scenario("plain, 1 connection", 1, draining=True),
    Scenario("plain, 100 rps", 4, rate=100),
    Scenario("stream, 2 connections", 2, stream=True),
]


# --- processes ------------------------------------------------------------------------------------------------------------


def descendants(pid):
    """pid and all processes below it."""
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                todo += [int(p) for p in Path(f"/proc/{one}/task/{task}/children").read_text().split()]
        except OSError:
            pass
    return found


def cpu_ns(pid):
    """On-CPU nanoseconds of all threads of a process and of those below it."""
    total = 0
    for one in descendants(pid):
        for path in Path(f"/proc/{one}/task").glob("*/schedstat"):
            try:
                total += int(path.read_text().split()[0])
            except OSError:
                pass
    return total


def rss_mb(pid):
    kib = 0
    for one in descendants(pid):
        try:
            found = re.search(r"^VmRSS:\s+(\d+)", Path(f"/proc/{one}/status").read_text(), re.M)
            kib += int(found.group(1)) if found else 0
        except OSError:
            pass
    return kib / 1024


def machine_busy_ns():
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Bench:
    TITLE = "hot path"
    SCENARIOS, SMOKE_SCENARIOS = SCENARIOS, SMOKE_SCENARIOS
    THROUGH = ["gateway", "draining"]  # variants that go through Sluice
    PAUSED = ["gateway"]  # those with the audit consumer stopped

    def __init__(self, options):
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        self.folder.chmod(0o711)
        self.programs = ROOT / "build" / options.preset / "tests" / "bench"
        self.processes = {}
        self.stack = None
        self.rows = []

    # --- life -------------------------------------------------------------------------------------------------------------

    def start(self):
        for name in ("mock_upstream", "load_generator"):
            if not (self.programs / name).exists():
                sys.exit(f"{self.programs / name} is missing; run ./dev build {self.options.preset}")
        mock = subprocess.Popen([self.programs / "mock_upstream"], stdout=subprocess.PIPE, text=True)
        self.processes["mock"] = mock
        self.mock_port = int(mock.stdout.readline())
        config = {**self.upstream_config(), "observability": {"log_level": "warn"}}
        self.stack = Stack(self.folder / "stack", preset=self.options.preset, config=config)
        self.stack.start()

    def upstream_config(self):
        """What the mock stands behind; starts what else stands before it."""
        self.start_nginx()
        return {
            "providers": {"mock": {"type": "openai", "base_url": f"http://127.0.0.1:{self.mock_port}/v1",
                                   "keys": [{"id": "bench", "value": "sk-bench"}], "models": ["bench-1"]}},
            "mcp": {"client_configs": []},
        }

    def start_nginx(self):
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not Path(program).exists():
            sys.exit("nginx was not found; run ./dev setup")
        folder = self.folder / "nginx"
        folder.mkdir()
        self.nginx_port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        conf = NGINX_CONF.format(folder=folder, port=self.nginx_port, upstream=self.mock_port, user=user)
        (folder / "nginx.conf").write_text(conf)
        self.processes["nginx"] = subprocess.Popen([program, "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")])
        deadline = time.monotonic() + 10
        while not self.answers(self.nginx_port):
            if time.monotonic() > deadline or self.processes["nginx"].poll() is not None:
                sys.exit("nginx did not start; its message is above")
            time.sleep(0.05)

    @staticmethod
    def answers(port):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).read()
            return True
        except OSError:
            return False

    def stop(self):
        if self.stack:
            for child in self.stack.services.get("audit-writer", []):
                child.signal(signal.SIGCONT)
            self.stack.stop()
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        if self.options.keep:
            print(f"files kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- what is read off -------------------------------------------------------------------------------------------------

    def pids(self):
        pids = {name: process.pid for name, process in self.processes.items()}
        pids.update({name: child.pid for name, child in self.stack.children.items()})
        for service in SERVICES:
            for child in self.stack.services.get(service, []):
                pids[service] = child.pid
        return pids

    def metrics(self, service):
        """Sums over labels of every sample, by name."""
        url = f"http://127.0.0.1:{self.stack.ports(service)['health']}/metrics"
        totals = {}
        for line in urllib.request.urlopen(url, timeout=5).read().decode().splitlines():
            found = re.match(r"(\w+)(?:\{[^}]*\})? (\S+)$", line)
            if found:
                totals[found.group(1)] = totals.get(found.group(1), 0.0) + float(found.group(2))
        return totals

    def counters(self, paused):
        names = [s for s in SERVICES if not (paused and s == "audit-writer")]
        return {service: self.metrics(service) for service in names}

    def backlog(self):
        """(messages in the stream AUDIT that the consumer has not acknowledged, bytes of the stream)."""
        url = f"http://127.0.0.1:{self.stack.nats_monitor_port}/jsz?streams=1&consumers=1&accounts=1"
        answer = json.load(urllib.request.urlopen(url, timeout=5))
        pending = size = 0
        for account in answer.get("account_details", []):
            for stream in account.get("stream_detail", []):
                size += stream["state"]["bytes"]
                for consumer in stream.get("consumer_detail") or []:
                    pending += consumer["num_pending"] + consumer["num_ack_pending"]
        return pending, size

    def wait_drained(self):
        started = time.monotonic()
        while time.monotonic() < started + DRAIN_SECONDS_MAX:
            if self.backlog()[0] == 0:
                return time.monotonic() - started
            time.sleep(0.1)
        return None

    # --- one cell ---------------------------------------------------------------------------------------------------------

    def target(self, variant):
        """Where the load of a variant goes, as options of the load generator."""
        port, model, key = {
            "direct": (self.mock_port, "bench-1", "none"),
            "nginx": (self.nginx_port, "bench-1", "none"),
        }.get(variant, (self.stack.ports("ingress")["http"], MODEL, self.stack.key))
        return ["--port", port, "--model", model, "--key", key]

    def load(self, scenario, variant):
        argv = [self.programs / "load_generator", *self.target(variant), "--connections", scenario.connections,
                "--seconds", self.options.seconds, "--warmup", self.options.warmup]
        if scenario.rate:
            argv += ["--rate", scenario.rate]
        if scenario.stream:
            argv += ["--stream"]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=self.options.seconds + 60)
        if not done.stdout:
            raise RuntimeError(f"the load generator failed: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def run_cell(self, scenario, variant):
        through, paused = variant in self.THROUGH, variant in self.PAUSED
        writers = self.stack.services["audit-writer"]
        if paused:
            for child in writers:
                child.signal(signal.SIGSTOP)
        try:
            pids = self.pids()
            before = {name: cpu_ns(pid) for name, pid in pids.items()}
            counted = self.counters(paused) if through else {}
            busy = machine_busy_ns()
            row = self.load(scenario, variant)
            busy = machine_busy_ns() - busy
            used = {name: cpu_ns(pid) - before[name] for name, pid in pids.items()}
            requests = max(row["all"], 1)
            row.update(scenario=scenario.name, variant=variant, cpu={n: ns / 1000 / requests for n, ns in used.items()})
            row["foreign_cores"] = max(0.0, (busy - sum(used.values()) - row["cpu_us"] * 1000) / 1e9) / self.options.seconds
            if through:
                row["backlog"] = self.backlog()[0]
                row["timers"], row["records"] = self.differences(counted, self.counters(paused), requests)
                row["rss"] = {name: rss_mb(pid) for name, pid in pids.items()}
        finally:
            if paused:
                for child in writers:
                    child.signal(signal.SIGCONT)
        if through:
            row["drained_after"] = self.wait_drained()
        if row["errors"] or not row["done"]:
            print(f"   {variant}: {row['errors']} errors, {row['done']} answers; {row['complaint']}", flush=True)
        return row

    @staticmethod
    def differences(before, after, requests):
        """(µs per request of each in-process timer, audit records per request)."""
        timers, records = {}, 0.0
        for service, values in after.items():
            for name, value in values.items():
                change = value - before[service].get(name, 0.0)
                if name == "sluice_audit_records_total":
                    records += change
                elif name.endswith("_seconds_sum") and ("user_seconds" in name or "outbox" in name) and change > 0:
                    key = f"{service}: {name.removesuffix('_sum')}"
                    timers[key] = change * 1e6 / requests
        return timers, records / requests

    # --- the run ----------------------------------------------------------------------------------------------------------

    def run(self):
        scenarios = self.SMOKE_SCENARIOS if self.options.smoke else self.SCENARIOS
        self.wait_drained()
        self.idle_rss = {name: rss_mb(pid) for name, pid in self.pids().items()}
        self.warm_up()
        for number in range(self.options.rounds):
            for scenario in scenarios:
                variants = scenario.variants()
                turn = number % len(variants)
                for variant in variants[turn:] + variants[:turn]:
                    row = self.run_cell(scenario, variant)
                    row["round"] = number
                    self.rows.append(row)
                    print(f"   round {number + 1}: {scenario.name}, {variant}: p50 {row['service']['p50']:.0f} µs, "
                          f"{row['rps']:.0f} rps", flush=True)

    def warm_up(self):
        """One request through, so that a broken set-up is told plainly."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}
        status, _, text = self.stack.request("POST", "/v1/chat/completions", body)
        if status != 200:
            raise RuntimeError(f"a chat through the gateway answers {status}: {text[:500]}")

    # --- what is printed --------------------------------------------------------------------------------------------------

    def of(self, scenario, variant):
        return sorted((r for r in self.rows if r["scenario"] == scenario and r["variant"] == variant), key=lambda r: r["round"])

    def median(self, scenario, variant, pick):
        values = [pick(r) for r in self.of(scenario, variant)]
        return statistics.median(values) if values else float("nan")

    def added(self, scenario, variant, kind, quantile):
        """Median over the rounds of this variant's latency less the direct one of the same round."""
        pairs = zip(self.of(scenario, variant), self.of(scenario, "direct"))
        values = [a[kind][quantile] - b[kind][quantile] for a, b in pairs]
        return statistics.median(values) if values else float("nan")

    def print_report(self):
        self.print_head(f"medians of {self.options.rounds} rounds of {self.options.seconds} s")
        self.print_latency()
        self.print_cpu()
        self.print_memory()
        self.print_timers()
        self.print_targets()

    def print_head(self, what):
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        print(f"\n{self.TITLE} · {time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())} · commit {commit or 'none'} · preset {self.options.preset}")
        print(f"{model.group(1) if model else platform.processor()}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
              f"load {os.getloadavg()[0]:.1f}; {what}\n")

    def scenarios(self):
        return list(dict.fromkeys(r["scenario"] for r in self.rows))

    def variants(self, scenario):
        return list(dict.fromkeys(r["variant"] for r in self.rows if r["scenario"] == scenario))

    def print_latency(self):
        print("| load | variant | added p50 µs | added p99 µs | p50 | p99 | first byte p50 | scheduled p50 / p99 | req/s |")
        print("|---|---|---|---|---|---|---|---|---|")
        for scenario in self.scenarios():
            for variant in self.variants(scenario):
                def value(kind, quantile):
                    return self.median(scenario, variant, lambda r: r[kind][quantile])
                rate = self.median(scenario, variant, lambda r: r["rps"])
                scheduled = f"{value('scheduled', 'p50'):.0f} / {value('scheduled', 'p99'):.0f}" if "rps" in scenario else ""
                first = f"{value('first', 'p50'):.0f}" if "stream" in scenario else ""
                more = [f"{self.added(scenario, variant, 'service', q):+.0f}" if variant != "direct" else "" for q in ("p50", "p99")]
                print(f"| {scenario} | {variant} | {more[0]} | {more[1]} | {value('service', 'p50'):.0f} | "
                      f"{value('service', 'p99'):.0f} | {first} | {scheduled} | {rate:.0f} |")

    def print_cpu(self):
        names = [n for n in self.pids() if any(r["cpu"].get(n, 0) >= 0.5 for r in self.rows if r["variant"] != "direct")]
        print("\nCPU µs per request by process (all threads)\n")
        print("| load | variant | " + " | ".join(names) + " | foreign cores |")
        print("|---|---|" + "---|" * (len(names) + 1))
        for scenario in self.scenarios():
            for variant in self.variants(scenario):
                if variant != "direct":
                    cells = [f"{self.median(scenario, variant, lambda r, n=n: r['cpu'].get(n, 0)):.1f}" for n in names]
                    foreign = self.median(scenario, variant, lambda r: r["foreign_cores"])
                    print(f"| {scenario} | {variant} | " + " | ".join(cells) + f" | {foreign:.2f} |")

    def print_memory(self):
        last = [r for r in self.rows if "rss" in r][-1]["rss"]
        print("\nResident memory, MB (idle / after the run): " +
              ", ".join(f"{name} {self.idle_rss.get(name, 0):.1f} / {last.get(name, 0):.1f}" for name in last))

    def print_timers(self):
        rows = [r for r in self.rows if r["variant"] in self.THROUGH]
        print(f"\nIn-process time, audit records, backlog (audit consumer stopped: {', '.join(self.PAUSED) or 'never'}; else at work)\n")
        print("| load | variant | timers µs per request | records per request | backlog at the end, messages | drained after s |")
        print("|---|---|---|---|---|---|")
        for scenario in self.scenarios():
            for variant in self.THROUGH:
                chosen = [r for r in rows if r["scenario"] == scenario and r["variant"] == variant]
                if not chosen:
                    continue
                names = sorted({n for r in chosen for n in r["timers"]})
                parts = [f"{n.split(': ')[1].removeprefix('sluice_')} {statistics.median([r['timers'].get(n, 0) for r in chosen]):.1f}"
                         for n in names]
                drained = [r["drained_after"] for r in chosen if r["drained_after"] is not None]
                print(f"| {scenario} | {variant} | {'; '.join(parts) or 'not exposed'} | "
                      f"{statistics.median([r['records'] for r in chosen]):.2f} | {max(r['backlog'] for r in chosen)} | "
                      f"{f'{max(drained):.1f}' if drained else 'not drained'} |")

    def print_targets(self):
        if self.options.smoke:
            return
        one, many = "plain, 1 connection", "plain, 32 connections"
        ratio = self.added(one, "gateway", "service", "p50") / self.added(one, "nginx", "service", "p50")
        rates = self.median(many, "gateway", lambda r: r["rps"]) / self.median(many, "nginx", lambda r: r["rps"])
        timers = self.median(one, "gateway", lambda r: sum(v for n, v in r["timers"].items() if "user_seconds" in n))
        rss = max(self.idle_rss.get(s, 0) for s in SERVICES)
        print("\nTargets (ratios within this run)\n")
        for text, value, bound, good in (
                ("added p50 at 1 connection, times nginx's", ratio, f"≤ {TARGETS['p50']}", ratio <= TARGETS["p50"]),
                ("req/s at 32 connections with the consumer stopped, times nginx's", rates, f"≥ {TARGETS['rps']}", rates >= TARGETS["rps"]),
                ("in-process timers, µs per request", timers, f"≤ {TARGETS['timers']}", 0 < timers <= TARGETS["timers"]),
                ("idle memory of the largest service, MB", rss, f"≤ {TARGETS['rss']}", rss <= TARGETS["rss"])):
            print(f"- {text}: {value:.2f} (target {bound}): {'met' if good else 'MISSED'}")

    def failures(self):
        return [f"{r['scenario']}, {r['variant']}: {r['errors']} errors, {r['done']} answers, {r['unanswered']} unanswered"
                for r in self.rows if r["errors"] or not r["done"]]


def main(kind, name, description):
    parser = argparse.ArgumentParser(prog=f"./dev bench {name}", description=description)
    parser.add_argument("--smoke", action="store_true", help="a few requests per cell; fails on any error")
    parser.add_argument("--preset", default="release")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--warmup", type=float)
    parser.add_argument("--json", help="also write every measured row to this file")
    parser.add_argument("--keep", action="store_true", help="keep logs and configuration")
    options = parser.parse_args()
    for name, full, smoke in (("rounds", 3, 1), ("seconds", 3.0, 0.3), ("warmup", 0.5, 0.1)):
        if getattr(options, name) is None:
            setattr(options, name, smoke if options.smoke else full)
    bench = kind(options)
    try:
        bench.start()
        bench.run()
        bench.print_report()
    finally:
        bench.stop()
    if options.json:
        Path(options.json).write_text(json.dumps({"idle_rss": bench.idle_rss, "rows": bench.rows}, indent=1))
    failures = bench.failures()
    if failures:
        print("\n" + "\n".join(failures), file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main(Bench, "hot-path", __doc__.split("\n")[0])
