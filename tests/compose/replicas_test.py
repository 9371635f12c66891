"""One of two replicas of each service, and of the runner, is killed under load. Requests that were not on it are answered as if nothing had happened; those
that were are asked again under their id; the trail and the ledger of a server outside Sluice agree about all of them."""

import shutil
import tempfile
import time
import unittest
from pathlib import Path

import fault_load
import reconcile
from compose_stack import ComposeStack
from stack import ROOT, RUNNER, SERVICES

LEDGER_SERVER = ROOT / "tests/support/ledger_server.py"
BEFORE_SECONDS, AFTER_SECONDS = 2.0, 5.0
# A request begun within this time of the kill may still have been handed to the dead replica: connections close, leases run out.
CLOSING_SECONDS = 0.3
TAKEOVER_SECONDS_MAX = 6.0  # of a dead connector's servers; refused meanwhile, retryable
SETTLED_SECONDS_MAX = 60


def in_progress(answer):
    """Refused because the same call, or the same script, is under way: its twin."""
    return answer.code == "in_progress" or (answer.failed and "was started before by the same script" in answer.text)


class Door:
    """The stack seen through one ingress."""

    def __init__(self, stack, index):
        self.key, self.door = stack.key, stack.front_doors()[index]

    def front_doors(self):
        return [self.door]


class Replicas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = ROOT / "build" / "compose"
        parent.mkdir(parents=True, exist_ok=True)
        cls.folder = Path(tempfile.mkdtemp(prefix="replicas-", dir=parent))
        cls.ledger = cls.folder / "ledger"
        servers = [{"name": name, "connection_type": "stdio", "tools_to_execute": ["*"], "trust_annotations": True,
                    "stdio_config": {"command": "/usr/bin/python3", "args": ["-B", str(LEDGER_SERVER), str(cls.ledger)]},
                    "is_code_mode_client": name == fault_load.SCRIPT_SERVER}
                   for name in ("ledger", "notebook", fault_load.SCRIPT_SERVER)]
        cls.stack = ComposeStack(cls.folder, config={"mcp": {"client_configs": servers}},
                                 replicas={name: 2 for name in [*SERVICES, RUNNER]})
        cls.stack.start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def killed_under_load(self, service):
        """(histories by door, when the kill began, when it was done)"""
        loads = [fault_load.Load(Door(self.stack, index), f"{service}-{index}", kinds=["effects", "reads", "chats", "scripts"]).start()
                 for index in range(2)]
        time.sleep(BEFORE_SECONDS)
        replicas = self.stack.runners if service == RUNNER else self.stack.services[service]
        # Of the connectors the one with the most servers on lease, so that there are calls on it.
        victim = max(replicas, key=lambda c: c.processes("ledger_server.py")) if service == "mcp-connector" else replicas[1]
        began = time.time()
        victim.kill()
        done = time.time()
        time.sleep(AFTER_SECONDS)
        histories = [load.stop() for load in loads]
        victim.start()
        if service != RUNNER:
            self.stack.wait_ready(service, replicas.index(victim))
        self.stack.wait_runners()
        return histories, began, done

    def judge(self, service, histories, began, done):
        """Counts of the answers; each failure has to be one that the killed replica explains."""
        counts = {"answered": 0, "on it": 0, "during takeover": 0}
        for index, history in enumerate(histories):
            calls, reads, chats = history.snapshot()
            for answer in [a for c in calls + reads for a in c.answers] + [a for a, _ in chats]:
                if answer.done or in_progress(answer):
                    counts["answered"] += 1
                elif service == "ingress" and index == 1 and answer.ended >= began:
                    counts["on it"] += 1
                elif answer.began <= done + CLOSING_SECONDS and answer.ended >= began:
                    counts["on it"] += 1
                elif service == "mcp-connector" and (answer.status == 503 or answer.failed) and began <= answer.began <= done + TAKEOVER_SECONDS_MAX:
                    counts["during takeover"] += 1
                else:
                    self.fail(f"{service}: a request that was not on the killed replica failed "
                              f"{answer.began - done:+.2f} s from the kill: {answer}")
        return counts

    def ask_again(self, calls):
        """Every call that got no final answer, under its id, at the other door."""
        client = fault_load.Client(Door(self.stack, 0), "again")
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        for call in calls:
            while not call.settled() and time.monotonic() < deadline:
                client.execute(call)
                time.sleep(0.05)
        return [call for call in calls if not call.settled()]

    def test_killing_one_of_two_loses_no_request_that_was_not_on_it(self):
        every = fault_load.History()
        for service in [*SERVICES, RUNNER]:
            histories, began, done = self.killed_under_load(service)
            counts = self.judge(service, histories, began, done)
            self.assertGreater(counts["answered"], 50, service)
            unanswered = [call for history in histories for call in history.calls if not call.settled()]
            self.assertEqual(self.ask_again(unanswered), [], service)
            for history in histories:
                every.calls += history.calls
                every.reads += history.reads
                every.chats += history.chats
            print(f"{service}: one of two killed; " + ", ".join(f"{count} {name}" for name, count in counts.items())
                  + f", {len(unanswered)} asked again, 0 lost", flush=True)
        verdict = self.verdict(every)
        print("all: " + ", ".join(f"{count} {name}" for name, count in sorted(verdict.counts.items())))
        self.assertEqual(verdict.broken, [])
        self.assertEqual(verdict.counts["doubled"], 0)

    def verdict(self, history):
        """Once the outboxes of the dead are delivered and nothing is open."""
        deadline = time.monotonic() + SETTLED_SECONDS_MAX
        calls, reads, chats = history.snapshot()
        while True:
            orphans = self.stack.orphans()
            verdict = reconcile.reconcile(reconcile.read_ledger(self.ledger), reconcile.read_trail(self.stack), calls, reads, chats)
            if (not orphans and not verdict.open and not verdict.broken) or time.monotonic() > deadline:
                self.assertEqual(orphans, [])
                return verdict
            time.sleep(2)

    def test_terminated_ingress_answers_what_it_has_begun(self):
        load = fault_load.Load(Door(self.stack, 0), "drain", kinds=["effects"], pause=0.02).start()
        time.sleep(1.0)
        code = self.stack.services["ingress"][0].stop()
        history = load.stop()
        self.stack.restart_service("ingress")
        self.stack.wait_ready("ingress")
        self.assertEqual(code, 0)
        answers = [answer for call in history.calls for answer in call.answers]
        self.assertIn(200, {answer.status for answer in answers})
        wrong = [a for a in answers if a.status not in (0, 200, 503) and a.code != "in_progress"]
        self.assertEqual(wrong, [], "answered wrongly during the drain")
        self.assertEqual(self.ask_again([call for call in history.calls if not call.settled()]), [])


if __name__ == "__main__":
    unittest.main()
