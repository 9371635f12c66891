"""./dev prove faults: the whole stack under load, faults of every kind over all its processes, stores and connections, and after each
batch the ledger of real effects and the clients' history reconciled with the audit trail. Then planted failures that the same
oracle has to find. Every choice follows from the printed seed; what the machine makes of it does not."""

import argparse
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import fault_kinds
import fault_plants
import reconcile
from fault_load import SCRIPT_TOOL, Call, Client, History, Load
from fault_stack import TOOL_SERVERS, FaultStack
from stack import ROOT, StackError

WHOLE_SECONDS_MAX = 90
SETTLE_SECONDS_MAX = 90
FAULT_SECONDS_MAX = 60
PROBE_SECONDS_MAX = 5
ROUND_SIZES = [1, 1, 1, 2, 2, 3]
DELAY_SECONDS_MAX = 0.6  # between the faults of one round
BATCH_FAULTS = 25
FINDINGS_SHOWN_MAX = 30


class Row:
    """One line of the table."""

    def __init__(self):
        self.fired, self.missed, self.first, self.whole = 0, 0, [], []


class Run:
    """One stack, one history, one verdict."""

    def __init__(self, folder, seed, count, preset="dev", replicas=2, cards=None, say=print, round_sizes=None):
        self.stack = FaultStack(folder, preset=preset, replicas=replicas)
        self.seed, self.count, self.say = seed, count, say
        self.chance = random.Random(seed)
        self.cards, self.drawn = cards or fault_kinds.deck(), []
        self.round_sizes = round_sizes or ROUND_SIZES
        self.history, self.load = History(), None
        self.rows = defaultdict(Row)
        self.findings, self.given_up = [], 0
        self.probes, self.batches = 0, 0
        self.verdict, self.plants = reconcile.Verdict(), []

    @property
    def fired(self):
        return sum(row.fired for row in self.rows.values())

    def carry_out(self):
        try:
            self.stack.start()
            while self.fired < self.count and not self.findings:
                self.batch(min(self.count, self.fired + BATCH_FAULTS))
            if not self.findings:
                self.plants = fault_plants.plant_all(self.stack, self.history, self.judge)
                self.findings += [f"planted failure not found: {name}" for name, told in self.plants if told is None]
        finally:
            self.stack.stop()
        self.findings += self.reports()
        return not self.findings

    # --- faults -------------------------------------------------------------------------------------------------------

    def batch(self, goal):
        self.batches += 1
        self.load = Load(self.stack, f"s{self.seed}b{self.batches}", seed=f"{self.seed} {self.batches}")
        self.load.history = self.history
        self.load.start()
        time.sleep(1.0)
        try:
            while self.fired < goal and not self.findings:
                self.round()
        finally:
            self.load.stop()
        self.settle()
        counts = self.verdict.counts
        self.say(f"batch {self.batches}: {self.fired} faults fired; {counts['effects']} effects, {counts['calls']} calls, "
                 f"{counts['records']} records; {len(self.verdict.broken)} promises broken")

    def round(self):
        faults, touched = [], set()
        size = self.chance.choice(self.round_sizes)
        for _ in range(size):
            card = self.draw()
            fault = card[0](self.stack, card[1], self.chance, self.chance.uniform(0, DELAY_SECONDS_MAX) if size > 1 else 0.0)
            if touched.isdisjoint(fault.touches()):
                faults.append(fault)
                touched |= fault.touches()
        for fault in faults:
            fault.start()
        for fault in faults:
            fault.join(FAULT_SECONDS_MAX)
            if fault.is_alive():
                self.findings.append(f"{fault} was not over after {FAULT_SECONDS_MAX} s")
            self.findings += fault.findings
        whole = self.wait_whole()
        for fault in faults:
            row = self.rows[fault.kind, fault.target]
            if not fault.fired:
                row.missed += 1
                self.say(f"  {fault}: did not fire ({fault.seen})")
                continue
            row.fired += 1
            first = self.history.first_success(fault.began)
            row.first.append((first or time.time()) - fault.began)
            row.whole.append(max(0.0, whole - max(f.ended for f in faults)))
        told = "; ".join(f"{fault}: {fault.seen}" for fault in faults)
        self.say(f"  {self.fired:4} {told}; whole after {max(0.0, whole - max(f.ended for f in faults)):.2f} s")

    def draw(self):
        if not self.drawn:
            self.drawn = self.chance.sample(self.cards, len(self.cards))
        return self.drawn.pop()

    def wait_whole(self):
        """Until every replica is ready and each front door answers a chat and runs a tool of each server; when that was."""
        deadline = time.monotonic() + WHOLE_SECONDS_MAX
        wanted = {(door, name) for door in range(len(self.stack.services["ingress"])) for name in TOOL_SERVERS + ["chat", SCRIPT_TOOL]}
        reason = ""
        while time.monotonic() < deadline:
            self.replace_ended()
            unready = [f"{service}-{index + 1}: {why}" for service, index, _ in self.stack.every_service()
                       if (why := self.stack.ready(service, index))]
            for door, name in sorted(wanted):
                answer = self.probe(door, name)
                if answer.done:
                    wanted.discard((door, name))
                else:
                    reason = f"{name} at door {door + 1}: {answer.status} {answer.message or answer.text}"
                    break
            if not wanted and not unready:
                return time.time()
            reason = "; ".join(unready) or reason
            time.sleep(0.05)
        self.findings.append(f"not whole again after {WHOLE_SECONDS_MAX} s: {reason}")
        return time.time()

    def probe(self, door, name):
        self.probes += 1
        token = f"s{self.seed}p{self.probes}"
        client = Client(self.stack, token)
        if name == "chat":
            answer = client.chat(f"Say hello to {token}", door=door, seconds=PROBE_SECONDS_MAX)
            self.history.chats.append((answer, False))
            return answer
        call = Call(token, token, name if name == SCRIPT_TOOL else f"{name}-append", {"token": token})
        self.history.calls.append(call)
        return client.execute(call, door=door, seconds=PROBE_SECONDS_MAX)

    def replace_ended(self):
        """Starts again what ended by itself, as a supervisor does. Code 2 is a service that found its stores down at its start."""
        for service, index, child in self.stack.every_service():
            if child.alive():
                continue
            code = child.popen.returncode
            self.given_up += code == 2
            if code != 2:
                self.findings.append(f"{service}-{index + 1} ended by itself with code {code}:\n{child.log_tail()}")
            self.stack.start_service(service, index=index)
        for index, child in enumerate(self.stack.runners):
            if not child.alive():
                self.findings.append(f"codemode-runner-{index + 1} ended by itself with code {child.popen.returncode}:\n{child.log_tail()}")
                self.stack.begin_runner(index)

    # --- the oracle ---------------------------------------------------------------------------------------------------

    def judge(self):
        trail = reconcile.read_trail(self.stack)
        return reconcile.reconcile(reconcile.read_ledger(self.stack.ledger), trail, *self.history.snapshot())

    def settle(self):
        """Until all records have arrived; what is still broken then is broken."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while True:
            orphans = self.stack.orphans()
            self.verdict = self.judge()
            if not orphans and not self.verdict.broken and not self.verdict.open:
                return
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
        self.findings += self.verdict.broken + [f"outbox was not adopted: {path}" for path in orphans]
        if self.verdict.open:
            self.findings.append(f"{self.verdict.open} intents have no outcome and are not unknown either")

    def reports(self):
        """What sanitizers and broken invariants left in the logs."""
        words = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer", "check failed")
        return [f"{log.name}: {line}" for log in sorted((self.stack.folder / "logs").glob("*.log"))
                for line in log.read_text(errors="replace").splitlines() if any(word in line for word in words)]

    # --- the report ---------------------------------------------------------------------------------------------------

    def report(self):
        lines = [f"{'kind':15} {'target':28} {'fired':>5} {'missed':>6}   first success (s)   whole again (s)",
                 f"{'':15} {'':28} {'':>5} {'':>6}      p50      max      p50      max"]
        for (kind, target), row in sorted(self.rows.items()):
            lines.append(f"{kind:15} {target:28} {row.fired:5} {row.missed:6} {middle(row.first)} {most(row.first)} "
                         f"{middle(row.whole)} {most(row.whole)}")
        lines.append("first success: from the fault to the end of the first effect asked for after it; whole again: from the end of the "
                     "round's faults\nuntil every replica is ready and each front door chats, runs a tool of each server and a script")
        counts = self.verdict.counts
        for group in ("executions", "calls", "intents", "intent", "reads", "chats"):
            found = {name: counts[name] for name in sorted(counts) if name.split(" ")[0] == group}
            lines.append(", ".join(f"{name} {value}" for name, value in found.items()))
        lost = sum("lost record" in line or line.startswith("sequence") for line in self.verdict.broken)
        lines.append(f"{self.fired} faults fired; {counts['effects']} effects: {counts['without intent']} without a durable intent, "
                     f"{counts['doubled']} doubled; {counts['records']} records: {lost} lost; "
                     f"{self.given_up} starts given up while a store was down")
        for name, told in self.plants:
            lines.append(f"planted: {name}: " + (f"found ({told})" if told else "NOT FOUND"))
        return "\n".join(lines)


def middle(values):
    return f"{sorted(values)[len(values) // 2]:8.2f}" if values else f"{'-':>8}"


def most(values):
    return f"{max(values):8.2f}" if values else f"{'-':>8}"


def main(arguments):
    parser = argparse.ArgumentParser(prog="./dev prove faults")
    parser.add_argument("--count", type=int, default=200, help="faults that really fired")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--preset", default="dev")
    parser.add_argument("--replicas", type=int, default=2, help="of each service")
    parser.add_argument("--keep", action="store_true", help="keeps data and logs of a run without findings")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    parent = ROOT / "build" / options.preset / "faults"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=parent))
    folder.chmod(0o755)
    print(f"seed {seed}, {options.count} faults, {options.replicas} replicas of each service, {os.cpu_count()} cores, in {folder}",
          flush=True)
    began = time.monotonic()
    run = Run(folder, seed, options.count, options.preset, options.replicas, say=lambda text: print(text, flush=True))
    try:
        good = run.carry_out()
    except StackError as error:
        print(error)
        good = False
    print(run.report())
    for finding in run.findings[:FINDINGS_SHOWN_MAX]:
        print(f"FINDING: {finding}")
    print(f"seed {seed}: {'no finding' if good else f'{len(run.findings)} findings'} in {time.monotonic() - began:.0f} s", flush=True)
    if good and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
