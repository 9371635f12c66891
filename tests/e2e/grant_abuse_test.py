"""Who holds everything of ingress but no caller's credential causes nothing, in a table of abuses; who holds one caller's, nothing
beyond that caller's rights. Judged by the ledgers of servers outside Sluice, by Postgres, and by nats-server's own log; and the judge
itself is shown an effect it must find."""

import os
import re
import socket
import unittest

from case import PRESET, StackTest

import intruder
import reconcile

INGRESS_MIN, CALLER_MIN = 40, 30
# How many effects the intruder's own controls have.
CONTROLS = {"ingress": 3, "caller": 4}



class GrantAbuse(StackTest):
    maxDiff = None

    @classmethod
    def configure(cls, config):
        cls.ledgers = {name: cls.folder / f"{name}.jsonl" for name in ("ledger", "private", "vault", "locked")}
        config["mcp"]["client_configs"] = [
            intruder.ledger_config("ledger", cls.ledgers["ledger"]),
            intruder.ledger_config("private", cls.ledgers["private"]),
            intruder.ledger_config("vault", cls.ledgers["vault"], tenants=["other"]),
            intruder.ledger_config("locked", cls.ledgers["locked"], tools_to_execute=["look"])]
        config["policy"] = {"preset": "manual", "rules": [
            {"id": "ask", "verdict": "approve", "match": {"server": "ledger", "tool": "write_file"}}]}
        intruder.add_callers(config)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.intruder = intruder.Intruder(cls.stack, PRESET)

    def effects(self):
        return {effect["token"] for ledger in self.ledgers.values() for effect in reconcile.read_ledger(ledger)}

    def attack(self, mode, least):
        before, effects = intruder.snapshot(self.stack), self.effects()
        steps = self.intruder.steps(mode)
        self.assertEqual(intruder.judge(self.stack, steps, self.ledgers.values()), [])
        self.assertEqual(len(self.effects() - effects), CONTROLS[mode], "the controls took effect, once each")
        self.assertGreaterEqual(len(steps) - 1, least)
        self.assertEqual(len({step.name for step in steps}), len(steps), "each has a name of its own")
        print(f"{mode}: {len(steps) - 1} abuses refused, {sum(step.shown == 'trail' for step in steps)} of them in the trail, "
              f"{sum(step.shown == 'server' for step in steps)} by nats-server")
        return before, intruder.snapshot(self.stack)

    def test_1_without_a_callers_credential_nothing_happens(self):
        before, after = self.attack("ingress", INGRESS_MIN)
        self.assertEqual(before, after, "nothing was changed")

    def test_2_with_one_callers_credential_nothing_beyond_its_rights(self):
        before, after = self.attack("caller", CALLER_MIN)
        for table in before.keys() - {"policy.approvals", "policy.approval_answers"}:
            self.assertEqual(before[table], after[table], table)
        answered = {row[0] for row in self.stack.sql("select principal from policy.approval_answers")}
        self.assertEqual(answered, {"key:carol"}, "nobody but the approver has answered")

    def test_3_users_without_the_right_are_refused_by_the_server_itself(self):
        for user in ("provider-router", "policy-engine", "audit-writer"):
            before = self.effects()
            done = self.intruder.run("caller", user)
            self.assertNotEqual(done.returncode, 0, f"{user}: {done.stdout}")
            self.assertIn("ermissions", done.stdout + done.stderr, user)
            self.assertIn("Publish Violation", self.stack.log("nats"), user)
            self.assertEqual(self.effects(), before)

    @unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "Redis is out of reach there")
    def test_4_redis_gives_ingress_its_own_keys_only(self):
        password = self.stack.secret("ingress", "redis.password")
        with Redis(self.stack.redis_port, "ingress", password) as redis:
            for words in (
                    ["GET", "sluice:connector:lease:any"], ["SET", "sluice:connector:nonce:any", "1"], ["DEL", "sluice:connector:nonce:any"],
                    ["SET", "sluice:policy:any", "1"], ["GET", "sluice:audit:any"], ["SET", "anything", "1"], ["KEYS", "*"],
                    ["EVAL", "return redis.call('set', 'sluice:connector:lease:any', '1')", "0"],
                    ["EVAL", "return redis.call('get', KEYS[1])", "1", "sluice:connector:lease:any"],
                    ["FLUSHALL"], ["FLUSHDB"], ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "GET", "*"], ["ACL", "LIST"],
                    ["ACL", "SETUSER", "ingress", "allkeys"], ["MONITOR"], ["SHUTDOWN"], ["REPLICAOF", "127.0.0.1", "1"],
                    ["MIGRATE", "127.0.0.1", "1", "sluice:connector:lease:any", "0", "10"], ["PUBLISH", "any", "1"], ["DEBUG", "SLEEP", "1"]):
                answer = redis.ask(*words)
                self.assertTrue(answer.startswith(("-NOPERM", "-ERR")) and "+OK" not in answer, f"{words}: {answer}")
            self.assertEqual(redis.ask("SET", "sluice:ingress:test", "1", "EX", "60"), "+OK", "its own keys work")

    @unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "it changes secrets as files")
    def test_5_a_planted_key_makes_the_judge_speak(self):
        trusted = self.stack.secret_folder("mcp-connector") / "grant-keys" / "planted.pem"
        trusted.write_text(self.intruder.forger_public)
        self.wait_trusted(2)
        steps = self.intruder.steps("forged")
        faults = intruder.judge(self.stack, steps, self.ledgers.values())
        self.assertIn("forged came to OK, not Denied", faults)
        self.assertIn("an effect nobody had the right to: abuse-forged", faults)
        trusted.unlink()
        self.wait_trusted(1)
        self.assertEqual([step.got for step in self.intruder.steps("forged") if step.name == "forged"], ["Denied"])

    def wait_trusted(self, count):
        """Until the connector says that it trusts so many keys for grants."""
        def told():
            lines = [line for line in self.stack.log("mcp-connector").splitlines() if "keys-trusted" in line and "grant-keys" in line]
            return lines and len(re.search(r'keys="?([0-9a-f ]*)', lines[-1])[1].split()) == count
        self.assertTrue(intruder.wait_for(told), self.stack.log("mcp-connector")[-2000:])


class Redis:
    """One connection, plain RESP."""

    def __init__(self, port, user, password):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self.file = self.socket.makefile("rb")
        answer = self.ask("AUTH", user, password)
        assert answer == "+OK", answer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def ask(self, *words):
        parts = [f"*{len(words)}\r\n".encode()] + [b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words]
        self.socket.sendall(b"".join(parts))
        return self.file.readline().decode().strip()


if __name__ == "__main__":
    unittest.main()
