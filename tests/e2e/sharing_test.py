"""Whose calls share a connection to an MCP server, and whose token they carry: a server that is shared, one with a connection for each
principal, one for each MCP session, and one where each principal authorizes the gateway for its own calls."""

import hashlib
import json
import sys
import time
import unittest

from case import StackTest, stack_module

from mcp_client import McpClient
from oauth_browser import FakeServer, browse

FAKE = stack_module.ROOT / "tests/support/fake_mcp_server.py"
KEYS = {"ada": "sk-sl-ada", "bob": "sk-sl-bob"}
CONNECTED_SECONDS_MAX = 40  # the longest wait between two attempts is 30 s


def server(name, **more):
    return {"name": name, "connection_type": "stdio", "tools_to_execute": ["*"],
            "stdio_config": {"command": sys.executable, "args": [str(FAKE), "--process"]}, **more}


class Sharing(StackTest):
    @classmethod
    def setUpClass(cls):
        cls.users = FakeServer()
        cls.config = {"mcp": {"client_configs": [
            server("shared"), server("own", sharing="per_principal"), server("session", sharing="per_session"),
            {"name": "users", "connection_type": "http", "connection_string": cls.users.base + "/mcp", "tools_to_execute": ["*"],
             "allowed_private_networks": ["127.0.0.0/8"], "auth_type": "per_user_oauth"}]}}
        try:
            super().setUpClass()
        except BaseException:
            cls.users.stop()
            raise

    @classmethod
    def configure(cls, config):
        config["auth"]["keys"] += [{"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "tenant": "default",
                                    "roles": ["caller"]} for name, key in KEYS.items()]

    @classmethod
    def tearDownClass(cls):
        cls.users.stop()
        super().tearDownClass()

    # --- steps --------------------------------------------------------------------------------------------------------

    def connect(self, name):
        client = McpClient(self.stack.url, KEYS[name], modern=False)
        self.addCleanup(client.close)
        return client

    def call(self, client, tool, **arguments):
        result, _ = client.request("tools/call", {"name": tool, "arguments": arguments})
        return result["content"][0]["text"], result.get("isError", False)

    def client(self, name):
        status, _, text = self.stack.request("GET", "/api/mcp/clients")
        self.assertEqual(status, 200, text)
        return next(c for c in json.loads(text)["clients"] if c["config"]["name"] == name)

    def begin(self, name, key, status=200):
        path = f"/api/mcp/client/{self.client(name)['config']['client_id']}/authorize"
        got, _, text = self.stack.request("POST", path, {}, key=key)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def authorize(self, key):
        status, _, text, _ = browse(self.begin("users", key)["authorization_url"])
        self.assertEqual(status, 200, text)

    # --- tests --------------------------------------------------------------------------------------------------------

    def test_1_calls_share_a_connection_as_their_server_says(self):
        clients = [self.connect("ada"), self.connect("ada"), self.connect("bob")]
        processes = {name: [self.call(client, f"{name}-process")[0] for client in [*clients, clients[0]]]
                     for name in ("shared", "own", "session")}

        self.assertEqual(len(set(processes["shared"])), 1, processes)
        ada, again, bob, once_more = processes["own"]
        self.assertTrue(ada == again == once_more != bob, processes)
        ada, other, bob, again = processes["session"]
        self.assertEqual(len({ada, other, bob}), 3, processes)
        self.assertEqual(again, ada)

    def test_2_each_principal_authorizes_for_its_own_calls(self):
        self.authorize(self.stack.key)
        deadline = time.monotonic() + CONNECTED_SECONDS_MAX
        while self.client("users")["state"] != "connected":
            self.assertLess(time.monotonic(), deadline, self.client("users"))
            time.sleep(0.1)
        of_the_gateway = {token for _, token in self.users.journal("mcp") if token}
        clients = {name: self.connect(name) for name in KEYS}

        text, is_error = self.call(clients["ada"], "users-echo", text="hi")
        self.assertTrue(is_error)
        self.assertIn(f"POST /api/mcp/client/{self.client('users')['config']['client_id']}/authorize with your own key", text)
        self.authorize(KEYS["ada"])
        self.assertEqual(self.call(clients["ada"], "users-echo", text="hi"), ("hi", False))
        self.assertTrue(self.call(clients["bob"], "users-echo", text="hi")[1], "the token is another's")
        self.authorize(KEYS["bob"])
        self.assertEqual(self.call(clients["bob"], "users-echo", text="ho"), ("ho", False))

        used = [token for method, token in self.users.journal("mcp") if method == "tools/call echo"]
        self.assertEqual(len(set(used)), 2, used)
        self.assertFalse(of_the_gateway & set(used))
        self.begin("shared", KEYS["ada"], status=403)


if __name__ == "__main__":
    unittest.main()
