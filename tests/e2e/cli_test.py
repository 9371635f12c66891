"""The command line client against a running gateway: what waits is listed, shown, approved and denied; the policy is explained,
tested and reloaded."""

import json
import subprocess
import unittest

from case import StackTest

import intruder
import reconcile

DONE, NEGATIVE, MISUSED = 0, 1, 2


class CommandLine(StackTest):
    @classmethod
    def configure(cls, config):
        cls.ledger = cls.folder / "ledger.jsonl"
        config["mcp"]["client_configs"] = [intruder.ledger_config("ledger", cls.ledger)]
        config["policy"] = {"preset": "manual", "rules": [
            {"id": "ask", "verdict": "approve", "match": {"server": "ledger", "tool": "write_file"}}]}
        intruder.add_callers(config)

    def sluice(self, *words, key=None, url=None):
        env = {**self.stack.clean_env(), "SLUICE_URL": url or self.stack.url, "SLUICE_KEY": key or self.stack.key}
        done = subprocess.run([str(self.stack.bin / "sluice"), *words], env=env, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def as_json(self, *words, key=None):
        code, text = self.sluice("--json", *words, key=key)
        self.assertEqual(code, DONE, text)
        return json.loads(text)

    def execute(self, call_id, content, approval=None):
        status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", {
            "id": call_id, "type": "function",
            "function": {"name": "ledger-write_file", "arguments": json.dumps({"path": "/a", "content": content})}},
            key=intruder.key_of("user"), headers={"x-sluice-approval": approval} if approval else {})
        answer = json.loads(text)
        return status, answer.get("error", answer)

    def ask(self, call_id, content):
        status, error = self.execute(call_id, content)
        self.assertEqual(status, 403, error)
        return error["approval_id"]

    def test_1_an_approval_is_found_shown_and_given(self):
        approval = self.ask("c1", "from the shell")
        carol = intruder.key_of("carol")
        code, text = self.sluice("approvals", "list", key=carol)
        self.assertEqual(code, DONE, text)
        self.assertIn(approval, text)
        code, text = self.sluice("approvals", "show", approval, key=carol)
        self.assertEqual(code, DONE, text)
        self.assertIn("from the shell", text)
        self.assertNotEqual(self.sluice("approvals", "approve", approval, key=intruder.key_of("user"))[0], DONE, "not by who asked")
        self.assertEqual(self.execute("c1", "from the shell", approval)[0], 403)
        code, text = self.sluice("approvals", "approve", approval, "--reason", "looks right", key=carol)
        self.assertEqual(code, DONE, text)
        self.assertEqual(self.execute("c1", "from the shell", approval)[0], 200)
        self.assertEqual([effect["token"] for effect in reconcile.read_ledger(self.ledger)], ["from the shell"])
        listed = self.as_json("approvals", "list", "--state", "granted", key=carol)
        self.assertEqual([entry["id"] for entry in listed["approvals"]], [approval])
        self.assertNotIn(approval, self.sluice("approvals", "list", key=carol)[1], "it is not pending any more")
        answers = self.as_json("approvals", "show", approval, key=carol)["answers"]
        self.assertEqual([(a["principal"], a["reason"]) for a in answers], [("key:carol", "looks right")])

    def test_2_a_denial_is_final_and_told(self):
        approval = self.ask("c2", "never")
        code, text = self.sluice("approvals", "deny", approval, "--reason", "not today", key=intruder.key_of("carol"))
        self.assertEqual(code, DONE, text)
        status, error = self.execute("c2", "never", approval)
        self.assertEqual((status, error["code"]), (403, "approval_denied"), error)
        self.assertIn("not today", error["reason"])
        self.assertNotEqual(self.sluice("approvals", "approve", approval, key=intruder.key_of("carol"))[0], DONE)
        self.assertNotEqual(self.sluice("approvals", "show", "apr_nothing", key=intruder.key_of("carol"))[0], DONE)

    def test_3_the_policy_is_explained_tested_and_reloaded(self):
        code, text = self.sluice("policy", "explain", "--server", "ledger", "--tool", "write_file", "--arguments", '{"path":"/a","content":"x"}')
        self.assertEqual(code, DONE, text)
        self.assertIn("approve", text)
        self.assertIn("rules.ask", text)
        cases = self.folder / "cases.json"
        call = {"server": "ledger", "tool": "append", "arguments": {"token": "x"}}
        cases.write_text(json.dumps([{"call": call, "expect": {"verdict": "manual"}}]))
        code, text = self.sluice("policy", "test", str(cases))
        self.assertEqual(code, DONE, text)

        settings = json.loads((self.folder / "sluice.json").read_text())
        settings["policy"]["rules"].append({"id": "closed", "verdict": "deny", "match": {"tool": "append"}})
        (self.folder / "sluice.json").write_text(json.dumps(settings))
        code, text = self.sluice("policy", "reload")
        self.assertEqual(code, DONE, text)
        code, text = self.sluice("policy", "test", str(cases))
        self.assertEqual(code, NEGATIVE, text)
        self.assertIn("deny", text)
        settings["policy"]["rules"].append({"id": "bad", "verdict": "perhaps", "match": {}})
        (self.folder / "sluice.json").write_text(json.dumps(settings))
        for words in (["policy", "reload", "--dry-run"], ["policy", "reload"]):
            code, text = self.sluice(*words)
            self.assertNotEqual(code, DONE, text)
            self.assertIn("rules[2].verdict", text)
        self.assertEqual([r["id"] for r in self.as_json("policy", "show")["policy"]["rules"]], ["ask", "closed"], "the last good one")

    def test_4_wrong_keys_addresses_and_words_are_told_apart(self):
        code, text = self.sluice("approvals", "list", key="sk-sl-wrong")
        self.assertNotEqual(code, DONE, text)
        self.assertNotIn("sk-sl-wrong", text)
        self.assertNotEqual(self.sluice("approvals", "list", url="http://127.0.0.1:1")[0], DONE)
        self.assertGreaterEqual(self.sluice("approvals", "perhaps")[0], MISUSED)
        code, text = self.sluice("policy", "reload", key=intruder.key_of("user"))
        self.assertNotEqual(code, DONE, text)
        self.assertIn("admin", text)


if __name__ == "__main__":
    unittest.main()
