"""A conversation with real tools through the whole of Sluice: by the official client, told by the trail, and refused where it
has to be."""

import json
import os
import subprocess
import time
import unittest

from case import NODE, PRESET, StackTest, stack_module

RELOADED_SECONDS_MAX = 4  # the file is looked at four times a second


class Conversation(StackTest):
    def test_official_openai_client(self):
        env = dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=self.stack.key,
                   SLUICE_DEMO_FILE=str(self.stack.demo_folder / "hello.txt"),
                   SLUICE_DEMO_TEXT=(self.stack.demo_folder / "hello.txt").read_text().strip())
        done = subprocess.run([str(NODE), "--test", "--test-reporter=spec", "tests/e2e/openai_client.test.mjs"],
                              cwd=stack_module.ROOT, env=env, capture_output=True, text=True, timeout=120)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_one_query_tells_the_story_of_a_conversation_in_order(self):
        file = self.stack.demo_folder / "hello.txt"
        target = self.stack.demo_folder / "story.txt"
        messages = [{"role": "user", "content": f"Write hello to {target}"}]
        ask = {"model": "demo/assistant", "messages": messages}
        status, headers, text = self.stack.request("POST", "/v1/chat/completions", ask)
        self.assertEqual(status, 200, text)
        chain = headers["x-sluice-chain"]
        suggestion = json.loads(text)["choices"][0]["message"]
        self.assertEqual(suggestion["tool_calls"][0]["function"]["name"], "filesystem-write_file", text)
        self.assertFalse(target.exists(), "a suggestion has no effect")
        status, headers, text = self.stack.request("POST", "/v1/mcp/tool/execute", suggestion["tool_calls"][0])
        self.assertEqual(status, 200, text)
        self.assertEqual(headers["x-sluice-chain"], chain)
        self.assertTrue(target.exists())
        messages += [suggestion, json.loads(text)]
        status, headers, text = self.stack.request("POST", "/v1/chat/completions", ask)
        self.assertEqual(status, 200, text)
        self.assertEqual(headers["x-sluice-chain"], chain)
        self.assertTrue(file.exists())

        rows = self.wait_for_rows("select action, hop, decision, rule, grant_id, outcome from audit.conversation "
                                  f"where chain_id = '{chain}'", 8)

        self.assertEqual([r[0] for r in rows], ["chat.request", "chat.suggestion", "tool.execute", "policy.decision",
                                                "tool.intent", "tool.outcome", "chat.request", "chat.answer"], rows)
        decision, intent, outcome = rows[3], rows[4], rows[5]
        self.assertEqual(decision[2], "manual")
        self.assertTrue(decision[3], "the decision names its rule")
        self.assertTrue(intent[4])
        self.assertEqual(intent[4], decision[4], "intent and decision carry one grant")
        self.assertEqual(outcome[4], intent[4])
        self.assertEqual(outcome[5], "done")

    def test_a_repeated_write_execution_is_answered_from_the_trail(self):
        target = self.stack.demo_folder / "once.txt"
        call = {"id": "call_once_1", "type": "function", "function": {
            "name": "filesystem-write_file", "arguments": json.dumps({"path": str(target), "content": "once"})}}
        status, _, first = self.stack.request("POST", "/v1/mcp/tool/execute", call)
        self.assertEqual(status, 200, first)
        target.unlink()

        import time
        deadline = time.monotonic() + 10
        while True:
            status, headers, second = self.stack.request("POST", "/v1/mcp/tool/execute", call)
            if status != 409 or time.monotonic() > deadline:
                break
            time.sleep(0.2)

        self.assertEqual(status, 200, second)
        self.assertEqual(headers["x-sluice-replayed"], "true")
        self.assertEqual(json.loads(second)["content"], json.loads(first)["content"])
        self.assertFalse(target.exists(), "the effect happened a second time")

    # The rules of the settings: put in force by API, tested by the command, taken back by the file alone.
    @unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "the settings are a file of the host there")
    def test_a_rule_on_arguments_is_reloaded_tested_and_taken_back(self):
        private = self.stack.demo_folder / "private"
        file = self.stack.folder / "sluice.json"
        before = file.read_text()
        settings = json.loads(before)
        rule = {"id": "private", "verdict": "deny", "reason": "Nothing is written there.",
                "match": {"server": "filesystem", "tool": "write_file",
                          "arguments": [{"pointer": "/path", "prefix": str(private), "path": True}]}}
        settings["policy"]["rules"] = [rule]
        file.write_text(json.dumps(settings))
        self.addCleanup(file.write_text, before)
        status, _, text = self.stack.request("POST", "/api/policy/reload", {})
        self.assertEqual(status, 200, text)
        version = json.loads(text)["policy_version"]

        for path, expected in ((private / "a.txt", 403), (self.stack.demo_folder / "x/../private/a.txt", 403),
                               (self.stack.demo_folder / "privately.txt", 200)):
            call = {"id": f"call_rule_{expected}", "type": "function", "function": {
                "name": "filesystem-write_file", "arguments": json.dumps({"path": str(path), "content": "x"})}}
            status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", call)
            self.assertEqual(status, expected, text)
            self.assertEqual("Nothing is written there." in text, expected == 403, text)

        cases = self.folder / "cases.json"
        asked = {"server": "filesystem", "tool": "write_file", "arguments": {"path": str(private / "b")}, "mode": "manual"}
        cases.write_text(json.dumps([
            {"call": asked, "expect": {"verdict": "deny", "rule": "rules.private"}},
            {"call": {**asked, "arguments": {"path": "/elsewhere"}}, "expect": {"verdict": "manual", "rule": "preset.manual"}}]))
        self.assertEqual(self.sluice("policy", "test", cases), (0, "2 cases, 0 failed\n"))
        cases.write_text(json.dumps([{"name": "open", "call": asked, "expect": {"verdict": "auto"}}]))
        code, text = self.sluice("policy", "test", cases)
        self.assertEqual(code, 1, text)
        self.assertIn("* rules.private", text)

        settings["policy"]["rules"] = [{**rule, "verdict": "perhaps"}]
        file.write_text(json.dumps(settings))
        code, text = self.sluice("policy", "reload")
        self.assertEqual(code, 3, text)
        self.assertIn("policy.rules[0].verdict", text)
        self.assertEqual(self.policy()["policy_version"], version)

        file.write_text(before)
        deadline = time.monotonic() + RELOADED_SECONDS_MAX
        while self.policy()["policy"]["rules"] and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(self.policy()["policy"]["rules"], [])
        self.assertGreater(self.policy()["policy_version"], version)

    def policy(self):
        status, _, text = self.stack.request("GET", "/api/policy")
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def sluice(self, *words):
        """(exit code, output) of the sluice command."""
        env = dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=self.stack.key)
        program = stack_module.ROOT / "build" / PRESET / "bin/sluice"
        done = subprocess.run([str(program), *map(str, words)], env=env, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def test_servers_are_listed_with_their_state(self):
        status, _, text = self.stack.request("GET", "/api/mcp/clients")

        self.assertEqual(status, 200, text)
        clients = json.loads(text)["clients"]
        self.assertEqual(sorted(c["config"]["name"] for c in clients), ["everything", "filesystem"])
        self.assertEqual({c["state"] for c in clients}, {"connected"})

    def test_metrics_and_health_answer_on_every_service(self):
        for service in stack_module.SERVICES:
            for path, word in (("/healthz", ""), ("/readyz", ""), ("/metrics", "sluice_")):
                self.assertIn(word, self.stack.health(service, path), service + path)


if __name__ == "__main__":
    unittest.main()
