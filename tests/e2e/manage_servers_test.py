"""MCP servers added, changed and removed by API, on two replicas of mcp-connector."""

import hashlib
import json
import signal
import subprocess
import sys
import time
import unittest

from case import StackTest, stack_module

FAKE = stack_module.ROOT / "tests/support/fake_http_mcp_server.py"
CONNECTOR = "mcp-connector"
CONNECTED_SECONDS_MAX = 15
TAKEN_OVER_SECONDS_MAX = 15  # a lease lives 3 s
TOLD_SECONDS_MAX = 5  # a change is heard at once; this is for a busy machine
USER_KEY = "sk-sl-user"


class ManageServers(StackTest):
    replicas = {CONNECTOR: 2}
    config = {"mcp": {"allow_private_networks_by_api": True}}

    @classmethod
    def setUpClass(cls):
        cls.port = stack_module.free_port()
        cls.server = subprocess.Popen([sys.executable, str(FAKE), "--port", str(cls.port)], stdout=subprocess.PIPE, text=True)
        assert int(cls.server.stdout.readline()) == cls.port
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_server()
            raise

    @classmethod
    def configure(cls, config):
        config["auth"]["keys"].append({"id": "user", "sha256": hashlib.sha256(USER_KEY.encode()).hexdigest(), "tenant": "default",
                                       "roles": ["caller"]})

    @classmethod
    def tearDownClass(cls):
        cls.stop_server()
        super().tearDownClass()

    @classmethod
    def stop_server(cls):
        cls.server.kill()
        cls.server.wait(10)
        cls.server.stdout.close()

    # --- steps --------------------------------------------------------------------------------------------------------

    def body(self, **members):
        return {"name": "web", "connection_type": "http", "connection_string": f"http://127.0.0.1:{self.port}/mcp",
                "allowed_private_networks": ["127.0.0.0/8"], "auth_type": "headers",
                "headers": {"Authorization": "Bearer upstream"}, "tools_to_execute": ["*"], **members}

    def api(self, method, path, body=None, status=200, key=None):
        got, _, text = self.stack.request(method, path, body, key=key)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def add(self, **members):
        return self.api("POST", "/api/mcp/client", self.body(**members))

    def client(self, name="web"):
        clients = self.api("GET", "/api/mcp/clients")["clients"]
        return next((c for c in clients if c["config"]["name"] == name), None)

    def eventually(self, condition, seconds):
        began = time.monotonic()
        while True:
            value = condition()
            if value:
                return time.monotonic() - began
            self.assertLess(time.monotonic() - began, seconds, value)
            time.sleep(0.1)

    def wait_connected(self, seconds=CONNECTED_SECONDS_MAX):
        return self.eventually(lambda: (self.client() or {}).get("state") == "connected", seconds)

    def execute(self, text, tool="web-echo"):
        status, _, answer = self.stack.request("POST", "/v1/mcp/tool/execute", {
            "type": "function", "function": {"name": tool, "arguments": json.dumps({"text": text})}})
        return status, answer

    def wait_executed(self, text, seconds=TOLD_SECONDS_MAX):
        self.eventually(lambda: self.execute(text)[0] == 200, seconds)

    def mcp(self, method, params, session=None):
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
        if session:
            headers["Mcp-Session-Id"] = session
        status, answered, text = self.stack.request("POST", "/mcp", body, headers=headers)
        self.assertEqual(status, 200, text)
        data = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
        return answered.get("mcp-session-id"), json.loads(data[-1] if data else text)

    def state_metric(self, state="connected"):
        """The replicas whose metrics say that they hold the server in that state."""
        wanted = f'sluice_connector_server_state_count{{server="web",state="{state}"}} 1'
        holders = []
        for index, child in enumerate(self.stack.services[CONNECTOR]):
            if child.alive() and wanted in self.stack.health(CONNECTOR, "/metrics", index):
                holders.append(index)
        return holders

    def tearDown(self):
        self.eventually(lambda: self.stack.request("DELETE", "/api/mcp/client/web")[0] in (200, 404), TOLD_SECONDS_MAX)

    # --- tests --------------------------------------------------------------------------------------------------------

    def test_1_an_added_server_is_listed_called_narrowed_and_removed(self):
        added = self.add()
        self.assertEqual(added["status"], "success")
        self.assertEqual(added["client"]["config"]["headers"], {"Authorization": "***"})
        server_id = added["client"]["config"]["client_id"]
        self.assertRegex(server_id, "^[0-9a-f]{16}$")
        self.wait_connected()
        self.wait_executed("over the API")

        session, _ = self.mcp("initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                             "clientInfo": {"name": "t", "version": "1"}})
        _, listed = self.mcp("tools/list", {}, session)
        self.assertIn("web-echo", [t["name"] for t in listed["result"]["tools"]])
        _, called = self.mcp("tools/call", {"name": "web-echo", "arguments": {"text": "hi"}}, session)
        self.assertEqual(called["result"]["content"][0]["text"], "hi")

        self.assertEqual(len(self.state_metric()), 1)
        self.assertIn("server.state", str(self.stack.sql(
            "select r.action from audit.records r where r.server = 'web' and r.action = 'server.state'")))

        self.api("PUT", f"/api/mcp/client/{server_id}", {"tools_to_execute": ["headers"]})
        self.eventually(lambda: self.execute("no more")[0] in (400, 403), TOLD_SECONDS_MAX)
        self.assertEqual(self.execute("no more")[0] // 100, 4)
        self.assertEqual(self.client()["state"], "connected")
        self.api("PUT", "/api/mcp/client/web", {"tools_to_execute": ["*"], "disabled": True})
        self.eventually(lambda: self.client()["state"] == "disconnected", TOLD_SECONDS_MAX)
        self.api("PUT", "/api/mcp/client/web", {"disabled": False})
        self.wait_connected()
        self.wait_executed("again")

        answer = self.api("DELETE", f"/api/mcp/client/{server_id}")
        self.assertEqual(answer["status"], "success")
        self.eventually(lambda: self.client() is None, TOLD_SECONDS_MAX)
        self.eventually(lambda: self.execute("gone")[0] // 100 == 4, TOLD_SECONDS_MAX)
        self.eventually(lambda: not self.state_metric(), TOLD_SECONDS_MAX)
        self.api("DELETE", f"/api/mcp/client/{server_id}", status=404)

        rows = self.wait_for_rows(
            "select r.action, b.body from audit.records r left join audit.bodies b using (day, event_id) "
            "where r.server = 'web' and r.action in ('server.added', 'server.updated', 'server.removed') "
            "order by r.event_id", 5)
        self.assertEqual([row[0] for row in rows][:2], ["server.added", "server.updated"], rows)
        self.assertEqual(rows[-1][0], "server.removed")
        self.assertNotIn("upstream", str(rows))

    def test_2_a_restart_of_the_connectors_keeps_it(self):
        self.add(tools_to_execute=["echo"])
        self.wait_connected()
        for index in range(2):
            self.stack.services[CONNECTOR][index].signal(signal.SIGKILL)
        for index in range(2):
            self.stack.services[CONNECTOR][index].popen.wait(10)
            self.stack.start_service(CONNECTOR, index=index)
        for index in range(2):
            self.stack.wait_ready(CONNECTOR, index)
        self.wait_connected(30)
        self.wait_executed("after the restart", 15)

    def test_3_the_other_replica_takes_over(self):
        self.add()
        self.wait_connected()
        self.wait_executed("before")
        self.eventually(self.state_metric, TOLD_SECONDS_MAX)
        holder = self.state_metric()[0]
        self.stack.services[CONNECTOR][holder].signal(signal.SIGKILL)
        seconds = self.eventually(lambda: self.execute("after")[0] == 200, TAKEN_OVER_SECONDS_MAX)
        print(f"served again {seconds:.1f} s after kill -9 of the replica that held it")
        self.stack.services[CONNECTOR][holder].popen.wait(10)
        self.stack.start_service(CONNECTOR, index=holder)
        self.stack.wait_ready(CONNECTOR, holder)

    def test_4_what_is_refused(self):
        stdio = {"name": "local", "connection_type": "stdio", "stdio_config": {"command": "true", "args": []},
                 "tools_to_execute": ["*"]}
        refused = self.api("POST", "/api/mcp/client", stdio, status=403)
        self.assertIn("mcp.allow_stdio_servers_by_api", refused["error"]["message"])
        self.api("POST", "/api/mcp/client", self.body(), status=403, key=USER_KEY)
        self.api("DELETE", "/api/mcp/client/everything", status=403, key=USER_KEY)
        for method, body in (("PUT", {"disabled": True}), ("DELETE", None)):
            conflict = self.api(method, "/api/mcp/client/everything", body, status=409)
            self.assertIn("configuration file", conflict["error"]["message"])
        self.api("POST", "/api/mcp/client", self.body(name="everything"), status=409)
        self.api("POST", "/api/mcp/client/everything/reconnect")
        faults = self.api("POST", "/api/mcp/client", self.body(name="9", colour=1, headers={"A": "env.HOME"}), status=400)
        for part in ("name:", "colour:", "headers.A:"):
            self.assertIn(part, faults["error"]["message"])
        self.api("PUT", "/api/mcp/client/nothing", {"disabled": True}, status=404)

    def test_5_without_postgres_those_known_are_served_on(self):
        self.add()
        self.wait_connected()
        self.wait_executed("before")
        self.stack.children["postgres"].stop(signal.SIGINT)
        try:
            self.assertEqual(self.client()["state"], "connected")
            self.api("PUT", "/api/mcp/client/web", {"disabled": True}, status=503)
        finally:
            self.stack.start_postgres()
        self.wait_executed("afterwards", 15)


if __name__ == "__main__":
    unittest.main()
