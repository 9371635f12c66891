"""Approvals between their answer and their use, end to end: what changes in between, who dies in between, and what may be used
after all. Judged by the ledgers of servers outside Sluice."""

import hashlib
import json
import subprocess
import sys
import time
import unittest

from case import PRESET, StackTest, stack_module

import intruder
import reconcile

HTTP_SERVER = stack_module.ROOT / "tests/support/fake_http_mcp_server.py"
GRANT_SECONDS = 30  # common/grant/grant.h
VOID_SECONDS = 5  # a grant is made void so long after its end
BEAT_SECONDS = 1  # policy-engine tells the connector of a newer policy twice a second


class GrantUse(StackTest):
    config = {"mcp": {"allow_private_networks_by_api": True}}

    @classmethod
    def setUpClass(cls):
        cls.servers = []
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_servers()
            raise
        cls.intruder = intruder.Intruder(cls.stack, PRESET)

    @classmethod
    def tearDownClass(cls):
        cls.stop_servers()
        super().tearDownClass()

    @classmethod
    def stop_servers(cls):
        for server in cls.servers:
            server.kill()
            server.communicate(timeout=10)

    @classmethod
    def configure(cls, config):
        cls.ledger, cls.note = cls.folder / "ledger.jsonl", cls.folder / "note.txt"
        changing = intruder.ledger_config("ledger", cls.ledger)
        changing["stdio_config"]["args"] += ["--note", str(cls.note)]
        config["mcp"]["client_configs"] = [changing]
        config["mcp"]["allow_private_networks_by_api"] = True
        config["policy"] = {"preset": "manual", "rules": [
            {"id": "ask", "verdict": "approve", "match": {"tool": ["write_file", "echo"]}}]}
        intruder.add_callers(config)
        for entry in config["auth"]["keys"]:
            entry.pop("servers", None)

    # --- steps --------------------------------------------------------------------------------------------------------

    def execute(self, call_id, arguments, approval=None, tool="ledger-write_file"):
        status, headers, text = self.stack.request("POST", "/v1/mcp/tool/execute", {
            "id": call_id, "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}},
            key=intruder.key_of("user"), headers={"x-sluice-approval": approval} if approval else {})
        answer = json.loads(text)
        return status, headers, answer.get("error", answer)

    def approved(self, call_id, arguments, tool="ledger-write_file"):
        status, _, error = self.execute(call_id, arguments, tool=tool)
        self.assertEqual((status, error["code"]), (403, "approval_required"), error)
        approval = error["approval_id"]
        status, _, text = self.stack.request("POST", f"/api/approvals/{approval}", {"action": "approve"}, key=intruder.key_of("carol"))
        self.assertEqual(status, 200, text)
        return approval

    def file(self, content):
        return {"path": "/a", "content": content}

    def effects(self, content):
        return [effect["token"] for effect in reconcile.read_ledger(self.ledger)].count(content)

    def settings(self, change):
        """Changes the settings file and has it taken over."""
        path = self.folder / "sluice.json"
        settings = json.loads(path.read_text())
        change(settings)
        path.write_text(json.dumps(settings))
        status, _, text = self.stack.request("POST", "/api/policy/reload", {})
        self.assertEqual(status, 200, text)

    def assert_void(self, call_id, arguments, approval, reason, tool="ledger-write_file"):
        status, _, error = self.execute(call_id, arguments, approval, tool)
        self.assertEqual((status, error["code"]), (403, "approval_void"), error)
        self.assertIn(reason, error["reason"])
        rows = self.wait_for_rows(f"select reason from audit.records where approval_id = '{approval}' and action = 'approval.void'", 1)
        self.assertEqual(len(rows), 1, "it is in the trail")
        self.assertEqual(self.execute(call_id, arguments, approval, tool)[0], 403, "and stays so")

    # --- cases --------------------------------------------------------------------------------------------------------

    def test_1_an_unrelated_reload_leaves_it_and_a_stricter_verdict_voids_it(self):
        stands, void = self.approved("s1", self.file("stands")), self.approved("s2", self.file("stricter"))
        self.settings(lambda s: s["policy"]["rules"].append({"id": "unrelated", "verdict": "deny", "match": {"tool": "nap"}}))
        self.assertEqual(self.execute("s1", self.file("stands"), stands)[0], 200)
        self.assertEqual(self.effects("stands"), 1)
        self.settings(lambda s: s["policy"]["rules"].append({"id": "twice", "verdict": "approve_twice", "match": {"tool": "write_file"}}))
        self.assert_void("s2", self.file("stricter"), void, "policy is stricter now")
        self.settings(lambda s: s["policy"].update(rules=s["policy"]["rules"][:1]))
        self.assertEqual(self.effects("stricter"), 0)

    def test_2_a_changed_definition_voids_it(self):
        approval = self.approved("d1", self.file("definition"))
        self.note.write_text("It also sends them to somebody else.")
        status, _, text = self.stack.request("POST", "/api/mcp/client/ledger/reconnect", {})
        self.assertEqual(status, 200, text)
        self.stack.wait_servers()

        def refused():
            status, _, error = self.execute("d1", self.file("definition"), approval)
            return (status, error) if status != 503 else None
        status, error = intruder.wait_for(refused)
        self.assertIn(status, (403, 404), error)
        self.assertIn("definition", json.dumps(error))
        self.assertEqual(self.effects("definition"), 0)
        self.note.unlink()
        self.assertEqual(self.stack.request("POST", "/api/mcp/client/ledger/reconnect", {})[0], 200)
        self.stack.wait_servers()

    def test_3_a_changed_route_voids_it(self):
        first, second = self.start_server(), self.start_server()
        body = {"name": "web", "connection_type": "http", "connection_string": self.address(first),
                "allowed_private_networks": ["127.0.0.0/8"], "auth_type": "headers", "headers": {"Authorization": "Bearer upstream"},
                "tools_to_execute": ["*"]}
        status, _, text = self.stack.request("POST", "/api/mcp/client", body)
        self.assertEqual(status, 200, text)
        self.wait_connected()
        kept, void = (self.approved(call, {"text": call}, "web-echo") for call in ("r1", "r2"))
        # Another credential for the same way is no other route.
        self.change_server(headers={"Authorization": "Bearer renewed"})
        self.assertEqual(self.execute("r1", {"text": "r1"}, kept, "web-echo")[0], 200)
        self.change_server(connection_string=self.address(second), headers={"Authorization": "Bearer upstream"})
        self.assert_void("r2", {"text": "r2"}, void, "reached in another way", "web-echo")
        self.assertEqual(self.stack.request("DELETE", "/api/mcp/client/web")[0], 200)

    def start_server(self):
        port = stack_module.free_port()
        server = subprocess.Popen([sys.executable, str(HTTP_SERVER), "--port", str(port)], stdout=subprocess.PIPE, text=True)
        self.servers.append(server)
        self.assertEqual(int(server.stdout.readline()), port)
        return port

    @staticmethod
    def address(port):
        return f"http://127.0.0.1:{port}/mcp"

    def change_server(self, **members):
        status, _, text = self.stack.request("PUT", "/api/mcp/client/web", members)
        self.assertEqual(status, 200, text)
        self.wait_connected()

    def wait_connected(self):
        def connected():
            clients = json.loads(self.stack.request("GET", "/api/mcp/clients")[2])["clients"]
            return any(c["config"]["name"] == "web" and c["state"] == "connected" for c in clients)
        time.sleep(0.2)
        self.assertTrue(intruder.wait_for(connected))

    def test_4_a_grant_that_died_with_its_holder_gives_way_to_one_new_one(self):
        content = "once"
        arguments = self.file(content)
        approval = self.approved("h1", arguments)
        decision = hashlib.sha256(b"another process").digest()[:16].hex()
        held = self.intruder.hold(self.folder / "go", arguments, "ledger-write_file", approval, decision, "h1")
        granted = time.time()  # or a little before
        # Its holder says nothing more for now: as if it had died between decision and request.
        status, _, error = self.execute("h1", arguments, approval)
        self.assertEqual((status, error["code"]), (409, "in_progress"), error)
        self.assertEqual(self.effects(content), 0)
        time.sleep(max(0.0, granted + GRANT_SECONDS + VOID_SECONDS + 1 - time.time()))
        status, headers, answer = self.execute("h1", arguments, approval)
        self.assertEqual((status, headers.get("x-sluice-replayed")), (200, None), answer)
        self.assertEqual(self.effects(content), 1)
        self.assertEqual(self.stack.sql(f"select state from audit.grant_uses where grant_id = '\\x{held.grant_id}'"), [["void"]])
        # The holder was not dead after all.
        self.assertIn(held.send(), ("Denied", "Conflict"))
        self.assertEqual(self.effects(content), 1)
        refusals = self.wait_for_rows("select reason from audit.records where action = 'tool.refused' and tool_call_id = 'h1'", 1)
        self.assertTrue(refusals and refusals[0][0])
        self.assertEqual(self.effects(content), 1)

    def test_5_a_grant_of_an_older_policy_is_refused_after_a_stricter_one(self):
        arguments = {"token": "older-policy"}
        held = self.intruder.hold(self.folder / "go-policy", arguments)
        self.settings(lambda s: s["policy"]["rules"].append({"id": "no", "verdict": "deny", "match": {"tool": "append"}}))
        time.sleep(BEAT_SECONDS)
        self.assertEqual(held.send(), "Conflict")
        self.settings(lambda s: s["policy"].update(rules=s["policy"]["rules"][:1]))
        self.assertEqual(self.effects("older-policy"), 0)


if __name__ == "__main__":
    unittest.main()
