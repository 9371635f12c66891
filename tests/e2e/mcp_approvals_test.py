"""Calls of MCP clients that wait for people: official clients of both eras are asked, the approval is given by them or elsewhere, and
what runs, runs once. And what became of each approval reaches a receiver of signed webhooks. Effects are counted by ledger_server.py."""

import base64
import concurrent.futures
import hashlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

from case import NODE, StackTest, stack_module

from webhook_receiver import Receiver, is_signed

TESTS = stack_module.ROOT / "tests/e2e"
LEDGER = stack_module.ROOT / "tests/support/ledger_server.py"
KEYS = {"carol": ["approver"], "both": ["caller", "approver"], "user": ["caller"], "other": ["caller"]}
LEGACY, MODERN = "sdk 1", "client 2, modern"  # of mcp_kinds.mjs
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
WAIT_SECONDS_MAX = 30
RETRY_SECONDS_MAX = 40  # of webhooks: the third attempt comes after 19 s at most


def key_of(name):
    return f"sk-sl-{name}"


def arguments_of(token):
    return {"path": "/ledger", "content": token, "password": "hunter2"}


class Client:
    """An official client in a process of its own."""

    def __init__(self, kind, url, key):
        environment = dict(os.environ, SLUICE_MCP_KIND=kind, SLUICE_URL=url, SLUICE_KEY=key)
        self.process = subprocess.Popen([str(NODE), str(TESTS / "mcp_asked_shell.mjs")], env=environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.next("ready")

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self, member):
        line = self.lines.get(timeout=WAIT_SECONDS_MAX)
        if member not in line:
            raise AssertionError(f"expected {member}: {line}")
        return line[member]

    def send(self, **line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()

    def call(self, token):
        """Begins a call that adds the token to the ledger; the params of the question that comes of it."""
        self.send(name="ledger-write_file", arguments=arguments_of(token))
        return self.next("asked")

    def answer(self, action, **content):
        self.send(answer={"action": action, **({"content": content} if action == "accept" else {})})

    def result(self):
        result = self.next("result")
        return result.get("isError", False), result["content"][0]["text"]

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()


class McpApprovals(StackTest):
    replicas = {"ingress": 2, "policy-engine": 2}

    @classmethod
    def configure(cls, config):
        config["policy"] = {
            "preset": "safe", "approver_may_be_requester": True,
            "webhook": {"url": cls.receiver.url, "secret": "env.APPROVALS_HOOK_SECRET", "allowed_private_networks": ["127.0.0.0/8"]}}
        for name, roles in KEYS.items():
            config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(key_of(name).encode()).hexdigest(), "roles": roles})
        config["mcp"]["client_configs"] = [
            {"name": "ledger", "connection_type": "stdio", "tools_to_execute": ["*"],
             "stdio_config": {"command": sys.executable, "args": [str(LEDGER), str(cls.folder / "ledger")]}}]

    @classmethod
    def setUpClass(cls):
        os.environ["APPROVALS_HOOK_SECRET"] = SECRET
        cls.receiver = Receiver(SECRET)
        try:
            super().setUpClass()
            for service in cls.replicas:
                cls.stack.wait_ready(service, 1)
        except BaseException:
            cls.receiver.stop()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.receiver.stop()
        super().tearDownClass()

    # --- steps --------------------------------------------------------------------------------------------------------

    def connect(self, kind, name):
        client = Client(kind, self.stack.url, key_of(name))
        self.addCleanup(client.close)
        return client

    def effects(self, token):
        ledger = self.folder / "ledger"
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return sum(json.loads(line)["token"] == token for line in lines)

    def asked(self, params, token):
        """The id in a question, which shows the call."""
        self.assertIn(f'"content":"{token}"', params["message"])
        self.assertIn("write_file of server ledger", params["message"])
        self.assertNotIn("hunter2", params["message"])
        return next(line for line in params["message"].splitlines() if line.startswith("Approval: "))[len("Approval: "):]

    def decide(self, who, approval, action="approve", reason=""):
        status, _, text = self.stack.request("POST", f"/api/approvals/{approval}", {"action": action, "reason": reason}, key=key_of(who))
        self.assertEqual(status, 200, text)

    def state(self, approval):
        return json.loads(self.stack.request("GET", f"/api/approvals/{approval}", key=key_of("carol"))[2])["state"]

    def post(self, token, who="user", replica=0, **more):
        """A tools/call of a modern client, as it goes over the wire."""
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {"name": "ledger-write_file", "arguments": arguments_of(token), "_meta": meta, **more}}
        headers = {"Authorization": f"Bearer {key_of(who)}", "Content-Type": "application/json",
                   "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call",
                   "Mcp-Name": "ledger-write_file"}
        url = f"http://127.0.0.1:{self.stack.ports('ingress', replica)['http']}/mcp"
        request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_SECONDS_MAX) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    def ask(self, token, who="user"):
        """(approval, requestState) of a call that waits."""
        result = self.post(token, who)["result"]
        self.assertEqual(result["resultType"], "input_required", result)
        return self.asked(result["inputRequests"]["approval"]["params"], token), result["requestState"]

    def retry(self, token, state, who="user", replica=0, action="accept", **content):
        response = {"action": action, **({"content": content} if action == "accept" else {})}
        return self.post(token, who, replica, requestState=state, inputResponses={"approval": response})

    def change_settings(self, change):
        file = self.folder / "sluice.json"
        config = json.loads(file.read_text())
        change(config["policy"])
        file.write_text(json.dumps(config))
        time.sleep(1.5)  # looked at twice a second at least

    # --- cases --------------------------------------------------------------------------------------------------------

    def test_another_person_approves_while_the_client_is_asked(self):
        for kind in (LEGACY, MODERN):
            with self.subTest(kind):
                client, token = self.connect(kind, "user"), f"other person, {kind}"
                params = client.call(token)
                approval = self.asked(params, token)
                self.assertEqual(params["requestedSchema"]["properties"], {})
                self.assertEqual(self.effects(token), 0)
                if kind == MODERN:  # it comes back, and is kept
                    client.answer("accept")
                    time.sleep(1)
                self.decide("carol", approval)
                self.assertEqual(client.result()[0], False)
                self.assertEqual(self.effects(token), 1)
                self.assertEqual(self.state(approval), "granted")
                rows = self.wait_for_rows("select distinct chain_id from audit.records where approval_id = "
                                          f"'{approval}' and action in ('approval.created', 'approval.granted', 'tool.outcome')", 1)
                self.assertEqual(len(rows), 1, rows)
                self.assertEqual(self.receiver.wait_for(approval, ["approval.created", "approval.approved", "approval.granted"]),
                                 ["approval.created", "approval.approved", "approval.granted"])

    def test_who_may_answers_in_the_form(self):
        for kind in (LEGACY, MODERN):
            with self.subTest(kind):
                client, token = self.connect(kind, "both"), f"own answer, {kind}"
                params = client.call(token)
                self.assertEqual(params["requestedSchema"]["properties"]["decision"]["enum"], ["approve", "deny"])
                client.answer("accept", decision="approve", reason="it is mine")
                self.assertEqual(client.result()[0], False)
                self.assertEqual(self.effects(token), 1)
                shown = json.loads(self.stack.request("GET", f"/api/approvals/{self.asked(params, token)}", key=key_of("carol"))[2])
                self.assertEqual([(one["principal"], one["reason"]) for one in shown["answers"]], [("key:both", "it is mine")])

                denied = f"own denial, {kind}"
                client.call(denied)
                client.answer("accept", decision="deny", reason="not today")
                failed, text = client.result()
                self.assertTrue(failed)
                self.assertIn("denied by key:both: not today", text)
                self.assertEqual(self.effects(denied), 0)

    def test_a_client_that_says_no_or_that_somebody_denies_runs_nothing(self):
        for kind in (LEGACY, MODERN):
            with self.subTest(kind):
                client, token = self.connect(kind, "user"), f"declined, {kind}"
                approval = self.asked(client.call(token), token)
                client.answer("decline")
                failed, text = client.result()
                self.assertTrue(failed)
                self.assertIn(approval, text)
                self.assertEqual(self.state(approval), "pending")

                denied = f"denied, {kind}"
                approval = self.asked(client.call(denied), denied)
                if kind == MODERN:
                    client.answer("accept")
                self.decide("carol", approval, "deny", "not this one")
                failed, text = client.result()
                self.assertTrue(failed)
                self.assertIn("denied by key:carol: not this one", text)
                self.assertEqual((self.effects(token), self.effects(denied)), (0, 0))

    def test_the_word_of_a_client_without_the_right_approves_nothing(self):
        approval, state = self.ask("no right")
        result = self.retry("no right", state, decision="approve")["result"]
        self.assertEqual(result["resultType"], "input_required")
        self.assertEqual((self.state(approval), self.effects("no right")), ("pending", 0))

    def test_an_approval_that_expires_ends_the_call(self):
        self.change_settings(lambda policy: policy.update(approval_ttl_s=3))
        self.addCleanup(self.change_settings, lambda policy: policy.pop("approval_ttl_s"))
        client = self.connect(LEGACY, "user")
        approval = self.asked(client.call("expired"), "expired")
        failed, text = client.result()
        self.assertTrue(failed)
        self.assertIn("not answered in time", text)
        self.assertEqual((self.state(approval), self.effects("expired")), ("expired", 0))

    def test_a_state_runs_its_call_once_for_its_caller_only(self):
        approval, state = self.ask("once")
        self.decide("carol", approval)
        self.assertIn("error", self.retry("once", state, who="other"))
        wrong = self.retry("twice", state)["result"]
        self.assertTrue(wrong["isError"], wrong)
        self.assertEqual((self.effects("once"), self.effects("twice")), (0, 0))
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda place: self.retry("once", state, replica=place % 2), range(8)))
        self.assertTrue(any(not answer["result"].get("isError") for answer in answers), answers)
        again = self.retry("once", state)["result"]
        self.assertFalse(again.get("isError", False), again)
        self.assertEqual(self.effects("once"), 1)

    def test_another_replica_and_a_restarted_one_take_the_retry(self):
        elsewhere, state = self.ask("elsewhere")
        self.decide("carol", elsewhere)
        self.assertFalse(self.retry("elsewhere", state, replica=1)["result"].get("isError", False))
        self.assertEqual(self.effects("elsewhere"), 1)

        restarted, state = self.ask("restarted")
        for service in ("ingress", "policy-engine"):
            self.stack.services[service][0].stop()
            self.stack.restart_service(service)
            self.stack.wait_ready(service)
        self.decide("carol", restarted)
        self.assertFalse(self.retry("restarted", state)["result"].get("isError", False))
        self.assertEqual(self.effects("restarted"), 1)

    def test_webhooks_are_signed_and_a_forged_one_is_refused(self):
        approval, _ = self.ask("signed")
        self.assertEqual(self.receiver.wait_for(approval, ["approval.created"]), ["approval.created"])
        _, headers, body = next(one for one in self.receiver.taken if json.loads(one[2])["data"]["id"] == approval)
        self.assertNotIn(b"hunter2", body)
        self.assertTrue(is_signed(SECRET, headers, body))
        self.assertFalse(is_signed("whsec_" + base64.b64encode(bytes(32)).decode(), headers, body))
        self.assertFalse(is_signed(SECRET, headers, body.replace(b"pending", b"granted")))
        self.assertFalse(is_signed(SECRET, {**headers, "webhook-id": "other"}, body))
        self.assertFalse(is_signed(SECRET, {**headers, "webhook-timestamp": str(int(time.time()) - 3600)}, body))
        self.assertEqual(self.receiver.take("/hook", headers, body + b" "), 401)
        self.receiver.refused.clear()
        shown = json.loads(self.stack.request("GET", f"/api/approvals/{approval}", key=key_of("carol"))[2])
        event = json.loads(body)
        self.assertEqual({name: event["data"][name] for name in shown}, shown)

    def test_nothing_is_lost_while_the_receiver_is_down(self):
        self.receiver.stop()
        try:
            down = [self.ask(f"down {i}")[0] for i in range(5)]
            for approval in down[:2]:
                self.decide("carol", approval)
            time.sleep(2)
        finally:
            self.receiver.start()
        for i, approval in enumerate(down):
            expected = ["approval.created", *(["approval.approved"] if i < 2 else [])]
            self.assertEqual(self.receiver.wait_for(approval, expected, RETRY_SECONDS_MAX), expected)
        self.assertEqual(self.receiver.refused, [])
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while self.stack.sql("select 1 from policy.webhook_events") and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(self.stack.sql("select type from policy.webhook_events"), [])

    def test_the_settings_file_says_where_to_without_a_restart(self):
        self.change_settings(lambda policy: policy["webhook"].update(url=self.receiver.url + "/moved", events=["denied"]))
        self.addCleanup(self.change_settings, lambda policy: (policy["webhook"].update(url=self.receiver.url),
                                                              policy["webhook"].pop("events")))
        approval, _ = self.ask("moved")
        self.decide("carol", approval, "deny")
        self.assertEqual(self.receiver.wait_for(approval, ["approval.denied"]), ["approval.denied"])
        paths = [path for path, _, body in self.receiver.taken if json.loads(body)["data"]["id"] == approval]
        self.assertEqual(set(paths), {"/hook/moved"})


if __name__ == "__main__":
    unittest.main()
