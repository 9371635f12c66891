"""Signing keys are replaced while calls go on: none is refused, and what the old key signed is refused once it is removed."""

import json
import subprocess
import threading
import time
import unittest

from case import PRESET, StackTest, stack_module

import intruder
import reconcile

ROTATE = stack_module.ROOT / "deploy/rotate-keys"
FOLLOWED_SECONDS = 2  # services look every 0.5 s
CALLERS = 3


class Rotation(StackTest):
    @classmethod
    def configure(cls, config):
        cls.ledger = cls.folder / "ledger.jsonl"
        config["mcp"]["client_configs"] = [intruder.ledger_config("ledger", cls.ledger)]
        intruder.add_callers(config)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.intruder = intruder.Intruder(cls.stack, PRESET)

    def rotate(self, *words):
        done = subprocess.run([str(ROTATE), str(self.folder / "secrets"), *words], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def execute(self, token, key=None):
        status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", {
            "type": "function", "function": {"name": "ledger-append", "arguments": json.dumps({"token": token})}},
            key=key or intruder.key_of("user"))
        return status, text

    def tokens(self):
        return [effect["token"] for effect in reconcile.read_ledger(self.ledger)]

    def signing_key(self, kind):
        return (self.stack.secret_folder("policy-engine") / f"{kind}-signing.pem").read_text()

    def test_1_no_call_is_refused_while_both_keys_are_replaced(self):
        before = {kind: self.signing_key(kind) for kind in ("grant", "token")}
        with Load(self) as load:
            kinds = [threading.Thread(target=self.rotate, args=(kind, "--longest-run", "0")) for kind in before]
            for thread in kinds:
                thread.start()
            for thread in kinds:
                thread.join(120)
                self.assertFalse(thread.is_alive())
            time.sleep(FOLLOWED_SECONDS)
            mark = load.count()
            self.assertTrue(intruder.wait_for(lambda: load.count() > mark), "calls go on under the new keys")
        self.assertEqual(load.failures, [])
        self.assertEqual(sorted(self.tokens()), sorted(load.sent), "each call took effect once")
        print(f"{len(load.sent)} calls during the rotation of both keys, none refused")
        for kind, key in before.items():
            self.assertNotEqual(self.signing_key(kind), key)
        for folder in self.folder.glob("secrets/*/*-keys"):
            self.assertEqual(len(list(folder.glob("*.pem"))), 1, folder)

    def test_2_a_removed_key_is_trusted_no_more(self):
        held = self.intruder.hold(self.folder / "go", {"token": "old-key"})
        for step in ("add", "switch", "remove"):
            time.sleep(FOLLOWED_SECONDS)
            self.rotate("grant", step)
        time.sleep(FOLLOWED_SECONDS)
        self.assertEqual(held.send(), "Denied")
        self.assertNotIn("old-key", self.tokens())
        self.assertEqual(self.execute("new-key")[0], 200)
        rows = self.wait_for_rows("select reason from audit.records where action = 'tool.refused' and tool_call_id = 'held'", 1)
        self.assertIn("grant is not valid", rows[0][0])

    def test_3_a_step_out_of_order_changes_nothing(self):
        for words, reason in ((("grant", "switch"), "begin with add"), (("nothing",), "usage")):
            done = subprocess.run([str(ROTATE), str(self.folder / "secrets"), *words], capture_output=True, text=True, timeout=30)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(reason, done.stderr)
        self.rotate("token", "add")
        done = subprocess.run([str(ROTATE), str(self.folder / "secrets"), "token", "remove"], capture_output=True, text=True, timeout=30)
        self.assertIn("go on with switch", done.stderr)
        self.assertEqual(self.execute("still-works")[0], 200)

    def test_4_a_token_key_that_nobody_trusts_is_not_signed_with(self):
        signing = self.stack.secret_folder("policy-engine") / "token-signing.pem"
        good = signing.read_text()
        signing.chmod(0o600)
        signing.write_text(self.intruder.forger)
        self.assertTrue(intruder.wait_for(lambda: "signing-keys-not-read" in self.stack.log("policy-engine")))
        self.assertEqual(self.execute("other", intruder.key_of("other"))[0], 200, "a token made now is of the former key")
        signing.write_text(good)


class Load:
    """Callers that execute one write after the other."""

    def __init__(self, test):
        self.test, self.sent, self.failures, self.lock, self.stopped = test, [], [], threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self.call, args=(n,)) for n in range(CALLERS)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(60)

    def count(self):
        with self.lock:
            return len(self.sent)

    def call(self, number):
        calls = 0
        while not self.stopped.is_set():
            calls += 1
            token = f"load-{number}-{calls}"
            status, text = self.test.execute(token)
            with self.lock:
                self.sent.append(token)
                if status != 200:
                    self.failures.append((token, status, text))
            time.sleep(0.02)


if __name__ == "__main__":
    unittest.main()
