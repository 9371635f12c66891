"""/mcp as the command line of the MCP Inspector sees it, in each era it can be told to speak. Its packages are in tests/inspector."""

import json
import os
import subprocess
import unittest

from case import NODE, StackTest, stack_module

INSPECTOR = stack_module.ROOT / "tests/inspector/node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
ERAS = ["modern", "auto", "legacy"]
SECONDS_MAX = 60  # of one run
LOAD_REQUESTS = 100


class Inspector(StackTest):
    def inspector(self, method, *words, key=None):
        """(exit code, what it printed, parsed) of one run."""
        done = subprocess.run(
            [str(NODE), str(INSPECTOR), "--cli", "--server-url", f"{self.stack.url}/mcp", "--header",
             f"Authorization: Bearer {key or self.stack.key}", "--format", "json", "-q", "--method", method, *words],
            env=dict(os.environ, HOME=str(self.folder)), capture_output=True, text=True, timeout=SECONDS_MAX)
        text = done.stdout or done.stderr
        try:
            return done.returncode, json.loads(text)
        except ValueError:
            return done.returncode, text

    def result(self, method, *words):
        code, answer = self.inspector(method, *words)
        self.assertEqual(code, 0, answer)
        return answer["result"]

    def test_every_era_lists_the_same_tools_and_calls_one(self):
        lists = {}
        for era in ERAS:
            with self.subTest(era):
                tools = self.result("tools/list", "--protocol-era", era)["tools"]
                lists[era] = [{name: value for name, value in tool.items() if name != "execution"} for tool in tools]

                answer = self.result("tools/call", "--protocol-era", era, "--tool-name", "everything-echo", "--tool-arg",
                                     "message=by the Inspector")

                self.assertEqual(answer["content"], [{"type": "text", "text": "Echo: by the Inspector"}])
        self.assertEqual(lists["modern"], lists["legacy"])
        self.assertEqual(lists["auto"], lists["legacy"])
        names = {tool["name"] for tool in lists["legacy"]}
        self.assertTrue({"everything-echo", "filesystem-read_text_file"} <= names, names)

    def test_resources_and_prompts_are_listed_and_read(self):
        uri = self.result("resources/list")["resources"][0]["uri"]
        self.assertEqual(self.result("resources/read", "--uri", uri)["contents"][0]["uri"], uri)
        names = [prompt["name"] for prompt in self.result("prompts/list")["prompts"]]
        self.assertIn("everything-simple-prompt", names)
        self.assertTrue(self.result("prompts/get", "--prompt-name", "everything-simple-prompt")["messages"])

    def test_what_is_wrong_is_told(self):
        code, answer = self.inspector("tools/call", "--tool-name", "everything-none", "--protocol-era", "legacy")
        self.assertNotEqual(code, 0)
        self.assertIn("everything-none", json.dumps(answer))
        code, answer = self.inspector("tools/list", key="sk-sl-wrong")
        self.assertNotEqual(code, 0, answer)

    def test_many_calls_at_a_time_succeed(self):
        code, answer = self.inspector("tools/call", "--tool-name", "everything-echo", "--tool-arg", "message=again", "--load",
                                      "--load-requests", str(LOAD_REQUESTS), "--load-concurrency", "8")
        self.assertEqual(code, 0, answer)
        self.assertEqual((answer["result"]["ok"], answer["result"]["errors"]), (LOAD_REQUESTS, 0), answer)


def setUpModule():
    if not INSPECTOR.exists():
        raise unittest.SkipTest("npm packages of tests/inspector are missing; ./dev setup installs them")


if __name__ == "__main__":
    unittest.main()
