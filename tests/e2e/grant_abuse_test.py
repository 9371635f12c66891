"""A holder of the ingress credentials, and of a caller's key, sends tool requests straight to the connector's subject. Judged by
the ledger of the server behind it, by the audit trail, and by nats-server's own log."""

import hashlib
import os
import subprocess
import sys
import time
import unittest

from case import PRESET, StackTest, stack_module

import reconcile

PROGRAM = stack_module.ROOT / "build" / PRESET / "tests" / "e2e" / "grant_abuse"
LEDGER_SERVER = stack_module.ROOT / "tests/support/ledger_server.py"
OTHER_KEY = "sk-sl-other-caller"
# Every abuse and the codes that refuse it. "good" is the control: the same request with its own grant takes effect.
EXPECTED = {
    "no-grant": {"Denied"}, "forged-key": {"Denied"}, "edited-payload": {"Denied"}, "token-as-grant": {"Denied"},
    "changed-arguments": {"Denied"}, "respelled-arguments": {"Denied", "Invalid"}, "other-method": {"Denied", "Invalid"},
    "no-token": {"Unauthenticated"}, "other-caller": {"Denied"}, "broken-token": {"Unauthenticated"},
    "good": {"OK"}, "replayed": {"Conflict"},
}


class GrantAbuse(StackTest):
    @classmethod
    def configure(cls, config):
        cls.ledger = cls.folder / "ledger"
        config["mcp"]["client_configs"] = [
            {"name": "ledger", "connection_type": "stdio",
             "stdio_config": {"command": sys.executable, "args": [str(LEDGER_SERVER), str(cls.ledger)]},
             "tools_to_execute": ["*"]}]
        config["auth"]["keys"].append({"id": "other", "sha256": hashlib.sha256(OTHER_KEY.encode()).hexdigest(),
                                       "tenant": "default", "roles": ["caller"]})

    def attack(self, user):
        env = dict(os.environ, ABUSE_NATS_URL=f"nats://127.0.0.1:{self.stack.nats_port}", ABUSE_NATS_USER=user,
                   ABUSE_NATS_PASSWORD=self.stack.secret(user, "nats.password"), ABUSE_KEY=self.stack.key,
                   ABUSE_OTHER_KEY=OTHER_KEY)
        return subprocess.run([str(PROGRAM)], env=env, capture_output=True, text=True, timeout=120)

    def test_with_the_credentials_of_ingress_only_the_granted_request_takes_effect_once(self):
        done = self.attack("ingress")
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        answers = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines()}
        self.assertEqual(set(answers), set(EXPECTED))
        for name, codes in EXPECTED.items():
            self.assertIn(answers[name], codes, name)
        self.assertEqual([effect["token"] for effect in reconcile.read_ledger(self.ledger)], ["abuse"], "exactly the granted request took effect, once")
        refusals = self.wait_for_refusals(len(EXPECTED) - 1)
        self.assertGreaterEqual(len(refusals), len(EXPECTED) - 1, refusals)
        self.assertTrue(all(row[1] for row in refusals), "each refusal names its reason")

    def wait_for_refusals(self, count):
        deadline = time.monotonic() + 10
        while True:
            rows = self.stack.sql("select tool_call_id, reason from audit.records where action = 'tool.refused'")
            if len(rows) >= count or time.monotonic() > deadline:
                return rows
            time.sleep(0.2)

    def test_users_without_the_right_are_refused_by_the_server_itself(self):
        for user in ("provider-router", "policy-engine", "audit-writer"):
            before = reconcile.read_ledger(self.ledger)
            done = self.attack(user)
            log = self.stack.log("nats")
            self.assertNotEqual(done.returncode, 0, f"{user}: {done.stdout}")
            self.assertIn("ermissions", done.stdout + done.stderr, user)
            self.assertIn(f'Publish Violation', log, user)
            self.assertIn(user, log)
            self.assertEqual(reconcile.read_ledger(self.ledger), before)


if __name__ == "__main__":
    unittest.main()
