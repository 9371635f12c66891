"""kill -9 of each service in turn under light load. The stack is whole again within 5 s, no record is lost, no effect doubled;
the oracle is the ledger of a server outside Sluice, and it is shown to catch a planted double."""

import fcntl
import json
import os
import sys
import threading
import time
import unittest

from case import StackTest, stack_module

import reconcile

LEDGER_SERVER = stack_module.ROOT / "tests/support/ledger_server.py"
RECOVERY_SECONDS_MAX = 5.0


def locked(folder):
    """Whether a running instance holds the outbox directory."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


class Load(threading.Thread):
    """Executes `append` with fresh tokens, one after the other, and remembers how each was answered."""

    def __init__(self, stack, name):
        super().__init__(daemon=True)
        self.stack, self.prefix = stack, name
        self.sent, self.answered, self.failures = [], [], []
        self.halt = threading.Event()

    def run(self):
        number = 0
        while not self.halt.is_set():
            number += 1
            token = f"{self.prefix}-{number}"
            call = {"id": token, "type": "function",
                    "function": {"name": "ledger-append", "arguments": json.dumps({"token": token})}}
            self.sent.append(token)
            try:
                status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", call, timeout=10)
                if status == 200 and not json.loads(text).get("is_error"):
                    self.answered.append(token)
                else:
                    self.failures.append((token, status, text))
            except OSError as error:
                self.failures.append((token, 0, str(error)))
            self.halt.wait(0.02)


class Restart(StackTest):
    config = None

    @classmethod
    def setUpClass(cls):
        port = stack_module.free_port()
        parent_config = {"http": {"address": "127.0.0.1", "port": port}, "mcp": {"client_configs": []}}
        cls.config = parent_config
        original = stack_module.Stack.default_config

        def with_ledger(self):
            config = original(self)
            cls.ledger = self.folder / "ledger"
            parent_config["mcp"]["client_configs"] = [
                {"name": "ledger", "connection_type": "stdio",
                 "stdio_config": {"command": sys.executable, "args": [str(LEDGER_SERVER), str(cls.ledger)]},
                 "tools_to_execute": ["*"]}]
            return config

        stack_module.Stack.default_config = with_ledger
        try:
            super().setUpClass()
        finally:
            stack_module.Stack.default_config = original

    def execute_works(self, token):
        call = {"id": token, "type": "function",
                "function": {"name": "ledger-append", "arguments": json.dumps({"token": token})}}
        try:
            status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", call, timeout=3)
        except OSError:
            return False
        return status == 200 and not json.loads(text).get("is_error")

    def test_kill_each_service_in_turn(self):
        times = {}
        sent, answered = set(), set()
        for service in stack_module.SERVICES:
            load = Load(self.stack, f"load-{service}")
            load.start()
            time.sleep(0.7)
            self.stack.services[service][0].kill()
            start = time.monotonic()
            self.stack.restart_service(service)
            probe = 0
            while True:
                probe += 1
                token = f"probe-{service}-{probe}"
                sent.add(token)
                if self.execute_works(token):
                    answered.add(token)
                    break
                self.assertLess(time.monotonic() - start, 30, f"{service}: the stack does not recover\n"
                                + self.stack.services[service][0].log_tail())
                time.sleep(0.05)
            times[service] = time.monotonic() - start
            time.sleep(0.3)
            load.halt.set()
            load.join(15)
            sent.update(load.sent)
            answered.update(load.answered)
            self.assertGreater(len(load.answered), 3, f"{service}: {load.failures[:3]}")

        self.wait_for_outboxes()
        ledger = reconcile.read_ledger(self.ledger)
        records = reconcile.trail(self.stack)
        broken = reconcile.reconcile(ledger, records, sent, answered)
        print("recovery after kill -9: " + ", ".join(f"{s} {t:.2f} s" for s, t in times.items()))
        print(f"{len(sent)} executions sent, {len(answered)} answered, {len(ledger)} effects, {len(records)} records")
        self.assertEqual(broken, [])
        self.assertEqual(reconcile.gaps(self.stack), [], "a producer's sequence has a gap")
        for service, seconds in times.items():
            self.assertLessEqual(seconds, RECOVERY_SECONDS_MAX, service)

        # The same check must see a double and a loss when there is one.
        planted = reconcile.reconcile(ledger + [ledger[0]], records, sent, answered)
        self.assertTrue(any("2 times" in line for line in planted), planted)
        lost = [r for r in records if not (r["action"] == "tool.intent" and r["call"] == ledger[0])]
        self.assertTrue(any("without an intent" in line for line in reconcile.reconcile(ledger, lost, sent, answered)))

    def wait_for_outboxes(self):
        """Until the outboxes of dead instances were adopted (every 5 s) and no more rows arrive."""
        deadline = time.monotonic() + 40
        before = None
        while time.monotonic() < deadline:
            orphans = [p for p in (self.stack.folder / "outbox").glob("*/*") if p.is_dir() and not locked(p)]
            count = self.stack.sql("select count(*) from audit.records")[0][0]
            if not orphans and count == before:
                return
            before = count
            time.sleep(1.0)
        self.fail(f"outboxes of dead instances were not adopted: {orphans}")

    def test_terminate_drains(self):
        stack = self.stack
        load = Load(stack, "drain")
        load.start()
        time.sleep(0.5)
        code = stack.services["ingress"][0].stop()
        load.halt.set()
        load.join(15)
        self.assertEqual(code, 0, stack.services["ingress"][0].log_tail())
        refused = [f for f in load.failures if f[1] not in (0, 503)]
        self.assertEqual(refused, [], "a request in flight was answered wrongly during the drain")
        stack.restart_service("ingress")
        stack.wait_ready("ingress")


if __name__ == "__main__":
    unittest.main()
