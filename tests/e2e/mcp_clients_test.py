"""/mcp as official MCP clients of both eras see it: the tools and answers of the servers behind it, sessions that outlive the
gateway's process, what a key may not do, and what the trail tells of every call."""

import hashlib
import json
import os
import subprocess
import threading
import unittest
from collections import Counter

from case import NODE, StackTest, stack_module

TESTS = stack_module.ROOT / "tests/e2e"
EVERYTHING = TESTS / "node_modules/@modelcontextprotocol/server-everything/dist/index.js"
# Each test has a key of its own: the trail tells them apart.
KEYS = {name: f"sk-sl-e2e-{name}" for name in ("clients", "other", "restart", "story", "limited")}
CLIENT_SECONDS_MAX = 120
CLIENT_CALLS = 4 * 11 + 10 * 50 + 5 + 1  # carried out by mcp_clients.test.mjs: each client, the crowd, its progress, AI SDK
SHELL_SECONDS_MAX = 60
RECORDS = "audit.records where key_id = '{key}' and tool_call_id is not null"
# One row a call made with a key: its chain, tool, records in order, how many of them carry a grant, how many grants that are, the
# decision and the outcome.
CALLS = f"""
select chain_id, max(tool), string_agg(action, ' ' order by hop, event_id), count(grant_id), count(distinct grant_id),
       max(decision), max(outcome)
from {RECORDS} group by chain_id, tool_call_id order by min(event_id::text)"""
CARRIED_OUT = ["tool.execute policy.decision tool.intent tool.outcome", "3", "1", "manual", "done"]
WRONG_ARGUMENTS = ["tool.execute policy.decision tool.refused", "2", "1", "manual", "refused"]
UNKNOWN_TOOL = ["tool.execute", "0", "0", "", "refused"]
DENIED = ["tool.execute policy.decision", "0", "0", "deny", "refused"]


class Shell:
    """mcp_shell.mjs: one client, driven call by call."""

    def __init__(self, env):
        self.process = subprocess.Popen([str(NODE), str(TESTS / "mcp_shell.mjs")], env=env, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.watch = threading.Timer(SHELL_SECONDS_MAX, self.process.kill)
        self.watch.start()

    def __enter__(self):
        self.session = self.read()["session"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(SHELL_SECONDS_MAX)
        self.watch.cancel()
        self.process.stdout.close()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("mcp_shell.mjs ended or took too long; its error is above")
        return json.loads(line)

    def call(self, name, **arguments):
        self.process.stdin.write(json.dumps({"name": name, "arguments": arguments}) + "\n")
        self.process.stdin.flush()
        return self.read()

    def text(self, name, **arguments):
        """Of a call that succeeds."""
        answer = self.call(name, **arguments)
        assert "result" in answer and not answer["result"].get("isError"), answer
        return answer["result"]["content"][0]["text"]


class McpClients(StackTest):
    @classmethod
    def configure(cls, config):
        config["http"]["port"] = stack_module.free_port()  # the same after a restart
        config["mcp"]["client_configs"].append({
            "name": "web", "connection_type": "http", "connection_string": cls.web_url,
            "allowed_private_networks": ["127.0.0.0/8"], "tools_to_execute": ["*"]})
        for name, key in KEYS.items():
            entry = {"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "tenant": "default", "roles": ["caller"]}
            config["auth"]["keys"].append(dict(entry, tools=["everything-echo"]) if name == "limited" else entry)

    @classmethod
    def setUpClass(cls):
        port = stack_module.free_port()
        cls.web_url = f"http://127.0.0.1:{port}/mcp"
        cls.web = subprocess.Popen([str(NODE), str(EVERYTHING), "streamableHttp"], env=dict(os.environ, PORT=str(port)),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_web()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stop_web()
        super().tearDownClass()

    @classmethod
    def stop_web(cls):
        cls.web.kill()
        cls.web.wait(10)

    def environment(self, name, **more):
        return dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=KEYS[name], OTHER_KEY=KEYS["other"],
                    SLUICE_DEMO_FOLDER=str(self.stack.demo_folder), WEB_SERVER_URL=self.web_url, **more)

    def shell(self, name, **more):
        return Shell(self.environment(name, **more))

    def calls(self, name, expected):
        """(chain, tool, what CALLS says of it) of each call made with a key, once the trail has the records of as many as expected."""
        self.wait_for_rows(f"select action from {RECORDS}".format(key=name), sum(len(what[0].split()) for what in expected))
        return [(row[0], row[1], row[2:]) for row in self.stack.sql(CALLS.format(key=name))]

    def test_official_clients(self):
        done = subprocess.run([str(NODE), "--test", "--test-reporter=spec", str(TESTS / "mcp_clients.test.mjs")], cwd=TESTS,
                              env=self.environment("clients"), capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        expected = [CARRIED_OUT] * CLIENT_CALLS + [WRONG_ARGUMENTS] * 4 + [UNKNOWN_TOOL] * 4
        calls = self.calls("clients", expected)
        self.assertEqual(Counter(tuple(what) for _, _, what in calls), Counter(map(tuple, expected)))

    def test_a_session_survives_a_restart_of_the_gateway(self):
        with self.shell("restart") as client:
            self.assertEqual(client.text("everything-echo", message="before"), "Echo: before")
            self.stack.services["ingress"][0].kill()
            self.stack.restart_service("ingress")
            self.stack.wait_ready("ingress")

            self.assertEqual(client.text("everything-echo", message="after"), "Echo: after")

        calls = self.calls("restart", [CARRIED_OUT] * 2)
        self.assertEqual([call[1:] for call in calls], [("echo", CARRIED_OUT)] * 2)
        self.assertEqual(len({chain for chain, _, _ in calls}), 1, "one session, one conversation")

    def test_one_query_tells_every_call_of_a_session_under_one_chain(self):
        tools = ["echo", "get-sum", "read_text_file"]
        for _ in range(2):
            with self.shell("story") as client:
                client.text("everything-echo", message="once upon a time")
                client.text("everything-get-sum", a=1, b=2)
                client.text("filesystem-read_text_file", path=str(self.stack.demo_folder / "hello.txt"))
        with self.shell("story", SLUICE_MCP_PIN="2026-07-28") as client:
            self.assertIsNone(client.session)
            client.text("everything-echo", message="without a session")
            client.text("everything-echo", message="and again")

        calls = self.calls("story", [CARRIED_OUT] * 8)

        self.assertEqual([call[1:] for call in calls], [(tool, CARRIED_OUT) for tool in tools * 2 + ["echo"] * 2])
        chains = [chain for chain, _, _ in calls]
        self.assertEqual([len(set(part)) for part in (chains[:3], chains[3:6], chains[6:])], [1, 1, 2])
        self.assertEqual(len(set(chains)), 4, "a chain for each session, and for each call without one")

    def test_a_key_that_may_not_use_a_tool_is_told_so_without_effect(self):
        target = self.stack.demo_folder / "forbidden.txt"
        for more in ({}, {"SLUICE_MCP_PIN": "2026-07-28"}):
            with self.shell("limited", **more) as client:
                self.assertEqual(client.text("everything-echo", message="mine"), "Echo: mine")

                answer = client.call("filesystem-write_file", path=str(target), content="x")

                self.assertIs(answer["result"]["isError"], True, answer)
                self.assertIn("does not reach this tool", answer["result"]["content"][0]["text"])
                self.assertFalse(target.exists())
        calls = self.calls("limited", [CARRIED_OUT, DENIED] * 2)
        self.assertEqual([call[1:] for call in calls], [("echo", CARRIED_OUT), ("write_file", DENIED)] * 2)

    def test_without_a_key_nothing_is_answered(self):
        for method, body in (("POST", {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}), ("DELETE", None)):
            for headers in ({"Authorization": ""}, {"Authorization": "Bearer sk-sl-wrong"}):
                status, answer, text = self.stack.request(method, "/mcp", body, headers={
                    "Accept": "application/json, text/event-stream", "Mcp-Session-Id": "2025-11-25.0", **headers})

                self.assertEqual(status, 401, text)
                self.assertEqual(answer["www-authenticate"], 'Bearer error="invalid_token"')
                self.assertIn("error", json.loads(text))


if __name__ == "__main__":
    unittest.main()
