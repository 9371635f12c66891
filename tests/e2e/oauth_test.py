"""OAuth 2.1 towards MCP servers, end to end: a person authorizes the gateway in a browser, tokens are renewed, more rights are asked
for, a wrong issuer is refused, what is kept is unreadable in Postgres, and a restart forgets nothing."""

import json
import time
import unittest

from case import StackTest

from oauth_browser import FakeServer, browse, read

STATE_SECONDS_MAX = 40  # the longest wait between two attempts is 30 s
SECRET = "by-hand-secret"


class OAuth(StackTest):
    @classmethod
    def setUpClass(cls):
        cls.person, cls.machine = FakeServer(), FakeServer()
        common = {"connection_type": "http", "allowed_private_networks": ["127.0.0.0/8"], "auth_type": "oauth", "tools_to_execute": ["*"]}
        cls.config = {"mcp": {"client_configs": [
            {**common, "name": "person", "connection_string": cls.person.base + "/mcp"},
            {**common, "name": "machine", "connection_string": cls.machine.base + "/mcp", "oauth_config": {
                "grant": "client_credentials", "client_id": "by-hand", "client_secret": SECRET, "issuer": cls.machine.base}}]}}
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_servers()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stop_servers()
        super().tearDownClass()

    @classmethod
    def stop_servers(cls):
        cls.person.stop()
        cls.machine.stop()

    def state(self, name):
        status, _, text = self.stack.request("GET", "/api/mcp/clients")
        self.assertEqual(status, 200, text)
        return next(c for c in json.loads(text)["clients"] if c["config"]["name"] == name)

    def wait_until(self, name, is_there):
        deadline = time.monotonic() + STATE_SECONDS_MAX
        while True:
            client = self.state(name)
            if is_there(client):
                return client
            self.assertLess(time.monotonic(), deadline, client)
            time.sleep(0.1)

    def connected(self, name):
        return self.wait_until(name, lambda client: client["state"] == "connected" and "last_failure" not in client)

    def begin(self):
        client_id = self.state("person")["config"]["client_id"]
        status, _, text = self.stack.request("POST", f"/api/mcp/client/{client_id}/authorize", {})
        self.assertEqual(status, 200, text)
        return json.loads(text)["authorization_url"]

    def execute(self, call_id, tool, arguments):
        return self.stack.request("POST", "/v1/mcp/tool/execute", {
            "id": call_id, "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}})

    def kept(self):
        """All that is kept of tokens, as one text: hexadecimal where it is bytes."""
        tables = ("tokens", "oauth_clients", "oauth_pending", "oauth_demands")
        return " ".join(str(self.stack.sql(f"select to_jsonb(t) from connector.{table} t")) for table in tables)

    def access_tokens(self, server):
        return {token for _, token in server.journal("mcp") if token}

    def test_1_own_credentials_need_nobody(self):
        self.connected("machine")

        status, _, text = self.execute("call_oauth_1", "machine-write", {})

        self.assertEqual(status, 200, text)
        self.assertEqual(self.machine.journal("token"), [["client_credentials", 200]] * 2, "the second for the scope of write")
        self.assertEqual(self.state("machine")["config"]["oauth_config"]["client_secret"], "***")

    def test_2_a_server_that_wants_a_person_says_so(self):
        client = self.wait_until(
            "person", lambda client: client["state"] == "error" and client.get("last_failure", {}).get("stage") == "authorize")

        self.assertIn(f"POST /api/mcp/client/{client['config']['client_id']}/authorize", client["last_failure"]["message"])

    def test_3_an_answer_of_another_issuer_is_refused_and_its_state_used_up(self):
        self.person.control(issuer_in_answer="https://evil.example")
        status, headers, text, address = browse(self.begin())
        self.person.control(issuer_in_answer=None)

        self.assertEqual(status, 400)
        self.assertNotIn("evil", text)
        self.assertIn("frame-ancestors 'none'", headers["content-security-policy"])
        self.assertEqual(self.person.journal("token"), [], "the code is not redeemed")
        self.assertEqual(read(address.replace("evil.example", "x"))[0], 400)
        rows = self.wait_for_rows("select reason, error_code from audit.records where action = 'server.authorize'", 1)
        self.assertEqual(rows, [["failed", "Denied"]])

    def test_4_a_person_authorizes_and_the_server_connects_by_itself(self):
        status, _, text, address = browse(self.begin())

        self.assertEqual(status, 200, text)
        self.connected("person")
        self.assertEqual(self.person.journal("register"), [["native"]], "registered once, for both tries")
        self.assertEqual(self.person.journal("authorize")[-1], ["read offline_access"])
        status, _, text = self.execute("call_oauth_2", "person-echo", {"text": "hello"})
        self.assertEqual(status, 200, text)
        self.assertEqual(json.loads(text)["content"], "hello")
        self.assertEqual(read(address)[0], 400, "a state is good once")
        self.assertNotIn(self.stack.key, json.dumps(self.person.journal("mcp")))

    def test_5_a_refused_token_is_renewed_and_the_call_made_once(self):
        self.person.control(forget_access=True)

        status, _, text = self.execute("call_oauth_3", "person-echo", {"text": "again"})

        self.assertEqual(status, 200, text)
        self.assertEqual(self.person.journal("token")[-1], ["refresh_token", 200])
        calls = [token for method, token in self.person.journal("mcp") if method == "tools/call echo"]
        self.assertEqual(len(calls), 3, "one earlier, the refused one, the repeated one")
        self.assertEqual(len(set(calls[1:])), 2)

    def test_6_more_rights_take_a_person_again_and_nothing_is_lost_meanwhile(self):
        status, _, text = self.execute("call_oauth_4", "person-write", {})
        self.assertNotEqual(status, 200, text)
        self.assertIn("/authorize", text)
        client = self.state("person")
        self.assertEqual((client["state"], client["last_failure"]["stage"]), ("connected", "authorize"))
        self.assertEqual(self.execute("call_oauth_5", "person-echo", {"text": "still"})[0], 200)

        self.assertEqual(browse(self.begin())[0], 200)

        self.connected("person")
        self.assertEqual(set(self.person.journal("authorize")[-1][0].split()), {"read", "write", "offline_access"})
        status, _, text = self.execute("call_oauth_6", "person-write", {})
        self.assertEqual(status, 200, text)

    def test_7_a_restart_keeps_tokens_that_nobody_can_read(self):
        authorized = len(self.person.journal("authorize"))
        self.stack.services["mcp-connector"][0].stop()
        self.stack.restart_service("mcp-connector")
        self.stack.wait_ready("mcp-connector")

        self.connected("person")
        self.assertEqual(self.execute("call_oauth_7", "person-write", {})[0], 200)
        self.assertEqual(len(self.person.journal("authorize")), authorized)
        kept = self.kept()
        self.assertIn(self.person.base, kept, "the issuer may be read")
        tokens = self.access_tokens(self.person) | self.access_tokens(self.machine)
        self.assertGreater(len(tokens), 3)
        logs = "".join(child.log_tail(100_000) for child in self.stack.services["mcp-connector"])
        for secret in [*tokens, SECRET]:
            self.assertNotIn(secret, kept)
            self.assertNotIn(secret.encode().hex(), kept)
            self.assertNotIn(secret, logs)

    def test_8_an_authorization_that_ended_takes_a_person(self):
        self.person.control(forget_all=True)

        self.execute("call_oauth_8", "person-echo", {"text": "gone"})

        client = self.wait_until("person", lambda client: client["state"] == "error")
        self.assertEqual(client["last_failure"]["stage"], "authorize")
        self.assertEqual(browse(self.begin())[0], 200)
        self.connected("person")


if __name__ == "__main__":
    unittest.main()
