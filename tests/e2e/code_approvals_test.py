"""Scripts whose calls wait for people: the script waits in its process and goes on, or ends with the approval's id and goes on when it is
executed again. Its own time stands still meanwhile."""

import hashlib
import json
import threading
import time
import unittest

from case import StackTest

RUN_SECONDS = 3
PARK_SECONDS = 8
KEYS = {"carol": ["approver"], "user": ["caller"]}


def key_of(name):
    return f"sk-sl-{name}"


class Execution(threading.Thread):
    """An executeToolCode call under way."""

    def __init__(self, stack, code, call_id):
        super().__init__()
        self.stack = stack
        self.call = {"id": call_id, "type": "function", "function": {"name": "executeToolCode", "arguments": json.dumps({"code": code})}}
        self.answer = None
        self.start()

    def run(self):
        self.answer = self.stack.request("POST", "/v1/mcp/tool/execute", self.call, key=key_of("user"), timeout=60)

    def wait(self, test):
        self.join(60)
        status, headers, text = self.answer
        test.assertEqual(status, 200, text)
        return headers, json.loads(json.loads(text)["content"])


class CodeApprovals(StackTest):
    config = {"codemode": {"run_seconds": RUN_SECONDS, "park_seconds": PARK_SECONDS}, "policy": {"preset": "safe"}}

    @classmethod
    def configure(cls, config):
        server = config["mcp"]["client_configs"][0]
        assert server["name"] == "filesystem"
        server["is_code_mode_client"] = True
        server["tools_to_auto_execute"] = ["read_text_file", "list_directory", "create_directory"]
        for name, roles in KEYS.items():
            config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(key_of(name).encode()).hexdigest(), "roles": roles})

    def path(self, name):
        return json.dumps(str(self.stack.demo_folder / name))

    def script(self, name):
        """Makes a folder, which is automatic, and writes a file, which is not."""
        return f"""
            await filesystem.create_directory({{path: {self.path(name + '.d')}}});
            try {{
              await filesystem.write_file({{path: {self.path(name)}, content: "approved"}});
              return "written";
            }} catch (error) {{
              return (error as {{code: string}}).code;
            }}"""

    def pending(self):
        """The id of the approval that waits; exactly one must come."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            _, _, text = self.stack.request("GET", "/api/approvals?state=pending", key=key_of("carol"))
            waiting = json.loads(text)["approvals"]
            if waiting:
                self.assertEqual(len(waiting), 1, text)
                return waiting[0]["id"]
            time.sleep(0.1)
        self.fail("no approval was asked for")

    def answer(self, approval, action):
        status, _, text = self.stack.request("POST", f"/api/approvals/{approval}", {"action": action}, key=key_of("carol"))
        self.assertEqual(status, 200, text)

    def test_an_approval_lets_the_script_go_on(self):
        execution = Execution(self.stack, self.script("on.txt"), "call_on")
        approval = self.pending()
        time.sleep(RUN_SECONDS + 1)  # longer than it may run
        self.assertFalse((self.stack.demo_folder / "on.txt").exists())

        self.answer(approval, "approve")
        headers, content = execution.wait(self)

        self.assertEqual(content, {"result": "written"})
        self.assertEqual((self.stack.demo_folder / "on.txt").read_text(), "approved")
        query = "select count(*) from audit.conversation where chain_id = '{}' and action = 'tool.intent' and tool = 'write_file'"
        self.assertEqual(self.wait_for_rows(query.format(headers["x-sluice-chain"]), 1), [["1"]])

    def test_a_denial_rejects_the_call(self):
        execution = Execution(self.stack, self.script("denied.txt"), "call_denied")

        self.answer(self.pending(), "deny")

        self.assertEqual(execution.wait(self)[1], {"result": "Denied"})
        self.assertFalse((self.stack.demo_folder / "denied.txt").exists())

    def test_without_an_answer_it_ends_and_goes_on_when_executed_again(self):
        code = self.script("later.txt")
        began = time.monotonic()
        execution = Execution(self.stack, code, "call_later")
        approval = self.pending()
        headers, content = execution.wait(self)
        seconds = time.monotonic() - began

        self.assertEqual(headers["x-sluice-outcome"], "approval_required")
        self.assertEqual(content["error"]["outcome"], "approval_required")
        self.assertIn(approval, content["error"]["message"])
        self.assertGreater(seconds, PARK_SECONDS - 0.5)
        self.assertLess(seconds, PARK_SECONDS + RUN_SECONDS + 3)
        self.assertTrue((self.stack.demo_folder / "later.txt.d").exists())
        (self.stack.demo_folder / "later.txt.d").rmdir()

        self.answer(approval, "approve")
        self.assertEqual(Execution(self.stack, code, "call_later").wait(self)[1], {"result": "written"})

        self.assertEqual((self.stack.demo_folder / "later.txt").read_text(), "approved")
        self.assertFalse((self.stack.demo_folder / "later.txt.d").exists(), "what was done is not done again")

    def test_policy_engine_may_restart_meanwhile(self):
        execution = Execution(self.stack, self.script("restart.txt"), "call_restart")
        approval = self.pending()
        self.stack.services["policy-engine"][0].stop()
        self.stack.restart_service("policy-engine")
        self.stack.wait_ready("policy-engine")

        self.answer(approval, "approve")

        self.assertEqual(execution.wait(self)[1], {"result": "written"})


if __name__ == "__main__":
    unittest.main()
