"""Approvals through the real services: a write and a delete under preset safe wait for people, run once, and outlive restarts."""

import hashlib
import json
import os
import socket
import time
import unittest

from case import NODE, StackTest, stack_module

MEMORY = stack_module.ROOT / "tests/servers/node_modules/@modelcontextprotocol/server-memory/dist/index.js"
KEYS = {"carol": ["approver"], "dave": ["approver"], "user": ["caller"]}
TOLD_SECONDS_MAX = 5


def key_of(name):
    return f"sk-sl-{name}"


class Approvals(StackTest):
    @classmethod
    def configure(cls, config):
        config["policy"] = {"preset": "safe"}
        for name, roles in KEYS.items():
            config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(key_of(name).encode()).hexdigest(), "roles": roles})
        config["mcp"]["client_configs"].append(
            {"name": "memory", "connection_type": "stdio", "tools_to_execute": ["*"],
             "stdio_config": {"command": str(NODE), "args": [str(MEMORY)], "envs": ["MEMORY_FILE_PATH"]}})
        os.environ["MEMORY_FILE_PATH"] = str(cls.folder / "demo/memory.json")

    # --- steps --------------------------------------------------------------------------------------------------------

    def execute(self, call_id, tool, arguments, approval=None):
        headers = {"x-sluice-approval": approval} if approval else {}
        status, got, text = self.stack.request("POST", "/v1/mcp/tool/execute", {
            "id": call_id, "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}},
            key=key_of("user"), headers=headers)
        answer = json.loads(text)
        return status, got, answer.get("error", answer)

    def write(self, call_id, name, approval=None):
        return self.execute(call_id, "filesystem-write_file",
                            {"path": str(self.stack.demo_folder / name), "content": call_id}, approval)

    def ask(self, call_id, name):
        status, _, error = self.write(call_id, name)
        self.assertEqual((status, error["code"]), (403, "approval_required"), error)
        return error["approval_id"]

    def answer(self, who, approval, action="approve", reason="", status=200):
        got, _, text = self.stack.request("POST", f"/api/approvals/{approval}", {"action": action, "reason": reason}, key=key_of(who))
        self.assertEqual(got, status, text)
        return json.loads(text)

    def show(self, approval, who="carol"):
        status, _, text = self.stack.request("GET", f"/api/approvals/{approval}", key=key_of(who))
        return status, json.loads(text)

    def refused(self, call_id, name, approval, code):
        status, _, error = self.write(call_id, name, approval)
        self.assertEqual((status, error["code"]), (403, code), error)
        return error["reason"]

    def assert_replayed(self, call_id, name, approval):
        """The call is answered from the trail, as soon as its outcome is there."""
        deadline = time.monotonic() + TOLD_SECONDS_MAX
        status, headers, answer = self.write(call_id, name, approval)
        while status == 409 and answer["code"] == "in_progress" and time.monotonic() < deadline:
            time.sleep(0.1)
            status, headers, answer = self.write(call_id, name, approval)
        self.assertEqual((status, headers.get("x-sluice-replayed")), (200, "true"), answer)

    def restart(self, *services):
        for service in services:
            self.stack.services[service][0].stop()
            self.stack.restart_service(service)
        for service in services:
            self.stack.wait_ready(service)
        self.stack.wait_ready("ingress")
        self.stack.wait_servers()

    # --- cases --------------------------------------------------------------------------------------------------------

    def test_a_write_waits_for_another_person_and_runs_once(self):
        approval = self.ask("w1", "one.txt")
        self.assertEqual(self.ask("w1", "one.txt"), approval)  # a retry
        self.assertFalse((self.stack.demo_folder / "one.txt").exists())

        status, shown = self.show(approval)
        self.assertEqual((status, shown["state"], shown["principal"], shown["required"]), (200, "pending", "key:user", "approve"))
        self.assertEqual(shown["arguments"]["content"], "w1")
        self.assertEqual(self.stack.request("GET", f"/api/approvals/{approval}?action=approve", key=key_of("carol"))[0], 200)
        self.assertEqual(self.show(approval, "user")[1]["state"], "pending")
        self.assertEqual(self.show("apr_nothing")[0], 404)
        self.answer("user", approval, status=403)
        self.write("w1", "one.txt", approval)  # before anybody answered
        self.assertFalse((self.stack.demo_folder / "one.txt").exists())

        self.assertEqual(self.answer("carol", approval, reason="fine")["state"], "approved")
        status, headers, _ = self.write("w1", "one.txt", approval)
        self.assertEqual((status, headers.get("x-sluice-replayed")), (200, None))
        (self.stack.demo_folder / "one.txt").unlink()
        self.assert_replayed("w1", "one.txt", approval)
        status, headers, _ = self.write("w2", "one.txt", approval)  # another id for its call, arguments differ
        self.assertEqual(status, 403)
        self.assertFalse((self.stack.demo_folder / "one.txt").exists())
        rows = self.wait_for_rows(f"select action from audit.records where approval_id = '{approval}' and action like 'approval.%' "
                                  "order by event_id", 3)
        self.assertEqual([row[0] for row in rows], ["approval.created", "approval.answered", "approval.granted"])

    def test_a_denial_reaches_the_caller_with_its_reason(self):
        approval = self.ask("d1", "denied.txt")
        self.answer("carol", approval, "deny", "not this file")
        self.assertEqual(self.refused("d1", "denied.txt", approval, "approval_denied"), "denied by key:carol: not this file")
        self.answer("dave", approval, status=409)

    def test_a_delete_needs_two_people_and_listeners_are_told(self):
        names = {"entityNames": ["Ada"]}
        created, _, error = self.execute("c1", "memory-create_entities", {
            "entities": [{"name": "Ada", "entityType": "person", "observations": []}]})
        self.assertEqual(created, 403)
        self.answer("dave", error["approval_id"])
        self.assertEqual(self.execute("c1", "memory-create_entities", {
            "entities": [{"name": "Ada", "entityType": "person", "observations": []}]}, error["approval_id"])[0], 200)

        with self.listen("carol") as events:
            _, _, error = self.execute("x1", "memory-delete_entities", names)
            approval = error["approval_id"]
            self.assertEqual(self.answer("carol", approval)["state"], "pending")
            self.assertEqual(self.answer("carol", approval)["state"], "pending")
            self.assertEqual(self.execute("x1", "memory-delete_entities", names, approval)[0], 403)
            self.assertIn("Ada", (self.folder / "demo/memory.json").read_text())
            self.assertEqual(self.answer("dave", approval)["state"], "approved")
            self.assertEqual(self.execute("x1", "memory-delete_entities", names, approval)[0], 200)
            self.assertNotIn("Ada", (self.folder / "demo/memory.json").read_text())
            told = events.read_until(approval, "granted")
        self.assertEqual(told, ["pending", "pending", "approved", "granted"])

    def test_approvals_outlive_restarts_and_a_stricter_policy_voids_them(self):
        kept, voided = self.ask("r1", "kept.txt"), self.ask("r2", "voided.txt")
        self.answer("carol", voided)
        self.restart(*stack_module.SERVICES)
        self.answer("carol", kept)
        self.assertEqual(self.write("r1", "kept.txt", kept)[0], 200)

        config = json.loads((self.folder / "sluice.json").read_text())
        config["mcp"]["client_configs"][0]["effect_classes"] = {"write_file": "delete"}
        (self.folder / "sluice.json").write_text(json.dumps(config))
        self.restart("policy-engine")
        self.assertIn("policy is stricter now", self.refused("r2", "voided.txt", voided, "approval_void"))
        self.assertEqual(self.show(voided)[1]["state"], "void")
        self.assertFalse((self.stack.demo_folder / "voided.txt").exists())

    def listen(self, who):
        return Events(self.stack.ports("ingress")["http"], key_of(who))


class Events:
    """The event stream of one listener."""

    def __init__(self, port, key):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TOLD_SECONDS_MAX)
        self.socket.sendall(f"GET /api/approvals/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
                            "Accept: text/event-stream\r\n\r\n".encode())
        self.text = ""
        self.read_more("keep-alive")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def read_more(self, wanted):
        deadline = time.monotonic() + TOLD_SECONDS_MAX
        while wanted not in self.text and time.monotonic() < deadline:
            self.text += self.socket.recv(65536).decode()

    def read_until(self, approval, state):
        """The states that were told of an approval, up to that one."""
        self.read_more(f'"id":"{approval}","state":"{state}"')
        data = [json.loads(line[6:]) for line in self.text.splitlines() if line.startswith("data: ")]
        return [event["state"] for event in data if event["id"] == approval]


if __name__ == "__main__":
    unittest.main()
