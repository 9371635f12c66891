"""Agent mode through the whole of Sluice with a real filesystem server: by the official client, and as the trail tells it."""

import hashlib
import json
import os
import subprocess
import unittest

from case import NODE, StackTest, stack_module


def run_client(case, script, **settings):
    env = dict(os.environ, SLUICE_URL=case.stack.url, SLUICE_KEY=case.stack.key, **settings)
    done = subprocess.run([str(NODE), "--test", "--test-reporter=spec", f"tests/e2e/{script}"], cwd=stack_module.ROOT, env=env,
                          capture_output=True, text=True, timeout=120)
    print(done.stdout)
    case.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Agent(StackTest):
    """The article's example: everything may be called, reads run by themselves."""

    @classmethod
    def configure(cls, config):
        server = config["mcp"]["client_configs"][0]
        assert server["name"] == "filesystem"
        server["tools_to_execute"] = ["*"]
        server["tools_to_auto_execute"] = ["read_file", "list_directory", "search"]

    def test_official_openai_client(self):
        run_client(self, "agent_client.test.mjs", SLUICE_DEMO_FOLDER=str(self.stack.demo_folder),
                   SLUICE_DEMO_TEXT=(self.stack.demo_folder / "hello.txt").read_text().strip())

    def test_one_query_tells_the_story_of_a_chat_in_order(self):
        file = self.stack.demo_folder / "hello.txt"
        body = {"model": "demo/assistant", "messages": [{"role": "user", "content": f"Read {file}"}]}
        status, headers, text = self.stack.request("POST", "/v1/chat/completions", body,
                                                   headers={"x-sluice-include-tools": "filesystem-read_file"})
        self.assertEqual(status, 200, text)
        self.assertEqual(json.loads(text)["sluice"]["stop_reason"], "stop", text)

        rows = self.wait_for_rows("select action, tool, decision, rule, grant_id, outcome from audit.conversation "
                                  f"where chain_id = '{headers['x-sluice-chain']}'", 6)

        self.assertEqual([row[0] for row in rows], ["chat.request", "chat.suggestion", "policy.decision", "tool.intent",
                                                    "tool.outcome", "chat.answer"], rows)
        decision, outcome = rows[2], rows[4]
        self.assertEqual(decision[1:4], ["read_file", "auto", "filesystem.tools_to_auto_execute"])
        self.assertEqual(outcome[4], decision[4], "outcome and decision carry one grant")
        self.assertEqual(outcome[5], "done")


@unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "its memory server is not in the image")
class AgentWithApprovals(StackTest):
    """Preset safe: reads run, a write waits for one person, a delete for two."""

    @classmethod
    def configure(cls, config):
        packages = stack_module.ROOT / "tests/servers/node_modules/@modelcontextprotocol"
        cls.memory = cls.folder / "demo/memory.jsonl"
        cls.memory.parent.mkdir(exist_ok=True)
        cls.memory.write_text(json.dumps({"type": "entity", "name": "old-note", "entityType": "note", "observations": []}) + "\n")
        config["policy"] = {"preset": "safe"}
        config["mcp"]["client_configs"][0]["tools_to_auto_execute"] = ["read_text_file"]
        config["mcp"]["client_configs"].append(
            {"name": "memory", "connection_type": "stdio", "tools_to_execute": ["*"],
             "stdio_config": {"command": str(NODE), "args": [str(packages / "server-memory/dist/index.js")]},
             "env": {"MEMORY_FILE_PATH": str(cls.memory)}})
        for name in ("ann", "bob"):
            config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(f"sk-sl-{name}".encode()).hexdigest(),
                                           "tenant": "default", "roles": ["approver"]})

    def test_official_openai_client(self):
        target = self.stack.demo_folder / "approved.txt"
        run_client(self, "agent_approvals.test.mjs", SLUICE_TARGET=str(target))

        self.assertEqual(target.read_text(), "approved")
        self.assertNotIn("old-note", self.memory.read_text())


if __name__ == "__main__":
    unittest.main()
