"""Runs of scripts as people look at them: the whole document of one, who sees which, ending one that is under way at whatever replica,
and a Redis that loses them."""

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
import unittest

from case import StackTest, stack_module

RUN_SECONDS = 20
REFUSES = {"id": "no-secrets", "verdict": "deny", "reason": "Secrets are not read.", "match": {
    "server": "filesystem", "tool": "read_text_file", "arguments": [{"pointer": "/path", "regex": "secret"}]}}


class RunsStack(StackTest):
    config = {"codemode": {"run_seconds": RUN_SECONDS}, "policy": {"preset": "safe", "rules": [REFUSES]}}

    @classmethod
    def configure(cls, config):
        server = config["mcp"]["client_configs"][0]
        server["is_code_mode_client"] = True
        server["tools_to_auto_execute"] = ["read_text_file"]
        cls.keys = {name: f"sk-{name}-0123456789abcdef" for name in ("alice", "bob")}
        for name, key in cls.keys.items():
            config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(key.encode()).hexdigest(), "tenant": "default",
                                           "roles": ["caller"]})

    def execute(self, code, who="alice", timeout=40):
        """(run id, outcome, content of the tool message)"""
        call = {"type": "function", "function": {"name": "executeToolCode", "arguments": json.dumps({"code": code})}}
        status, headers, text = self.stack.request("POST", "/v1/mcp/tool/execute", call, key=self.keys[who], timeout=timeout)
        self.assertEqual(status, 200, text)
        return headers["x-sluice-run"], headers["x-sluice-outcome"], json.loads(json.loads(text)["content"])

    def api(self, method, path, who="alice", body=None):
        key = self.keys.get(who)  # nobody's: the stack's own, an admin
        status, _, text = self.stack.request(method, f"/api/runs{path}", body, key=key)
        return status, json.loads(text)

    def listed(self, who="alice"):
        status, body = self.api("GET", "?limit=200", who)
        self.assertEqual(status, 200, body)
        return [run["run_id"] for run in body["runs"]]

    def ended(self, run, who="alice"):
        """The run's document once it says how it ended: written at the end, a moment after the answer."""
        deadline = time.monotonic() + 5
        while True:
            status, document = self.api("GET", f"/{run}", who)
            if status == 200 and "ended_unix_ms" in document:
                return document
            self.assertLess(time.monotonic(), deadline, document)
            time.sleep(0.05)

    def under_way(self, code, who="alice", state="running"):
        """Begins a script; (its run id once it is in that state, where its answer will be, its thread)"""
        before, answers = set(self.listed(who)), []
        thread = threading.Thread(target=lambda: answers.append(self.execute(code, who)))
        thread.start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            status, body = self.api("GET", "", who)
            found = [run for run in body.get("runs", []) if run["run_id"] not in before and run["state"] == state]
            if found:
                return found[0]["run_id"], answers, thread
            time.sleep(0.05)
        self.fail(f"no run is under way: {body}")


class Runs(RunsStack):
    def test_1_the_document_tells_the_whole_run(self):
        (self.stack.demo_folder / "secret.txt").write_text("hidden")
        code = f"""const folder: string = {json.dumps(str(self.stack.demo_folder))};
const hello = await filesystem.read_text_file({{path: folder + "/hello.txt"}});
console.log("read", hello.content.length > 0);
try {{
  await filesystem.read_text_file({{path: folder + "/secret.txt"}});
}} catch (error) {{
  console.warn("refused");
}}
return {{length: hello.content.length}};"""
        run, outcome, content = self.execute(code)
        self.assertEqual(outcome, "ok", content)

        document = self.ended(run)

        self.assertEqual(document["state"], "ok")
        self.assertEqual((document["principal"], document["tenant"], document["unattended"]), ("key:alice", "default", False))
        self.assertEqual(document["source"], code)
        self.assertEqual(document["source_digest"], hashlib.sha256(code.encode()).hexdigest())
        self.assertEqual([(c["server"], c["tool"], c["verdict"]) for c in document["call_set"]],
                         [("filesystem", "read_text_file", "auto")])
        self.assertEqual(document["check"]["escapes"], [])
        self.assertEqual([(c["tool"], c["line"]) for c in document["check"]["calls"]],
                         [("read_text_file", 2), ("read_text_file", 5)])
        first, second = document["calls"]
        self.assertEqual((first["server"], first["tool"], first["outcome"]), ("filesystem", "read_text_file", "resolved"))
        self.assertEqual(first["arguments"], {"path": str(self.stack.demo_folder / "hello.txt")})
        self.assertRegex(first["call_site"], "^2:")
        self.assertGreaterEqual(first["ended_unix_ms"], first["started_unix_ms"])
        self.assertEqual((second["outcome"], second["rule"]), ("Denied", "rules.no-secrets"))
        self.assertIn("Secrets are not read", second["message"])
        self.assertEqual(document["console"], [{"level": "log", "text": "read true"}, {"level": "warn", "text": "refused"}])
        self.assertEqual(document["value"], content["result"])
        self.assertEqual(document["limits"]["wall_ms"], RUN_SECONDS * 1000)
        for number in ("cpu_us", "wall_us", "memory_peak_kib", "compile_us"):
            self.assertGreater(document["used"][number], 0, number)
        self.assertEqual(document["used"]["calls"], 2)

    def test_2_scripts_that_fail_tell_why(self):
        wrong, outcome, _ = self.execute("const a: number = ;\nreturn a;")
        self.assertEqual(outcome, "type_error")
        document = self.ended(wrong)
        self.assertEqual((document["state"], document["error"]["line"], document["calls"]), ("type_error", 1, []))

        thrown, _, _ = self.execute("console.log('before');\nthrow new Error('on purpose');")
        document = self.ended(thrown)
        self.assertEqual((document["state"], document["error"]["line"]), ("script_error", 2))
        self.assertIn("on purpose", document["error"]["message"])
        self.assertNotIn("value", document)

    def test_3_a_caller_sees_its_own_and_an_admin_all(self):
        first, _, _ = self.execute("return 1;")
        second, _, _ = self.execute("return 2;")
        others, _, _ = self.execute("return 3;", "bob")
        for run, who in ((first, "alice"), (second, "alice"), (others, "bob")):
            self.ended(run, who)

        self.assertEqual(self.listed()[:2], [second, first])
        self.assertNotIn(others, self.listed())
        self.assertEqual(self.listed("bob"), [others])
        self.assertEqual(self.listed("admin")[:3], [others, second, first])
        self.assertEqual(self.api("GET", f"/{others}", "admin")[1]["principal"], "key:bob")
        for path in (f"/{others}", "/run_" + "0" * 32, "/nothing"):
            status, body = self.api("GET", path)
            self.assertEqual((status, body["error"]["code"]), (404, "run_not_found"), path)
            status, body = self.api("POST", f"{path}/cancel")
            self.assertEqual((status, body["error"]["code"]), (404, "run_not_found"), path)
        self.assertEqual(self.api("GET", "?limit=1")[1]["runs"][0]["run_id"], second)
        self.assertEqual(self.api("GET", "?limit=0")[0], 400)
        self.assertEqual(self.stack.request("GET", "/api/runs", key="sk-nobody")[0], 401)

    @unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "runs a local program")
    def test_4_the_command_line_shows_them(self):
        run, _, _ = self.execute("console.log('to be seen'); return 'value';")
        self.ended(run)

        def sluice(*words):
            done = subprocess.run([str(self.stack.bin / "sluice"), "--url", self.stack.url, *words], capture_output=True, text=True,
                                  timeout=30, env={**self.stack.clean_env(), "SLUICE_KEY": self.keys["alice"]})
            return done.returncode, done.stdout + done.stderr

        code, text = sluice("runs", "list")
        self.assertEqual((code, text.split()[0]), (0, run), text)
        code, text = sluice("runs", "show", run)
        self.assertIn("| to be seen", text)
        self.assertIn('value: "value"', text)
        code, text = sluice("runs", "cancel", run)
        self.assertEqual(code, 3, text)
        self.assertIn("has ended already", text)

    @unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "Redis is out of reach there")
    def test_5_without_redis_scripts_run_and_their_documents_are_lost(self):
        self.stack.children["redis"].stop(signal.SIGTERM)
        try:
            status, body = self.api("GET", "")
            self.assertEqual(status, 503, body)
            self.assertIn("try again", body["error"]["message"])
            lost, outcome, content = self.execute("return 5;")
            self.assertEqual((outcome, content), ("ok", {"result": 5}))
        finally:
            self.stack.start_redis()
        deadline = time.monotonic() + 10
        while self.api("GET", "")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.1)

        kept, _, _ = self.execute("return 6;")

        self.assertEqual(self.ended(kept)["value"], 6)
        self.assertEqual(self.listed(), [kept])
        self.assertEqual(self.api("GET", f"/{lost}")[0], 404)
        lines = self.stack.health("codemode-sandbox", "/metrics").splitlines()
        counted = [float(line.split()[-1]) for line in lines if line.startswith("sluice_codemode_run_documents_lost_total")]
        self.assertGreater(sum(counted), 0)
        query = f"select action from audit.records where run_id = '{lost}'"
        self.assertIn(["run.finished"], self.wait_for_rows(query, 2))


@unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "asks each replica by itself")
class RunsOfReplicas(RunsStack):
    replicas = {"codemode-sandbox": 2, stack_module.RUNNER: 2}

    def test_1_any_replica_ends_a_run_of_any_other(self):
        for code in ("while (true) {}", "let n = 0; for (;;) { await null; n += 1; }") * 3:
            run, answers, thread = self.under_way(code)
            began = time.monotonic()
            status, document = self.api("POST", f"/{run}/cancel")
            seconds = time.monotonic() - began
            thread.join(10)
            self.assertEqual((status, document["state"]), (200, "cancelled"), document)
            self.assertLess(seconds, 3.5)
            self.assertEqual(answers[0][:2], (run, "cancelled"), answers)
            status, body = self.api("POST", f"/{run}/cancel")
            self.assertEqual((status, body["error"]["code"]), (409, "run_ended"), body)
            self.assertIn("cancelled", body["error"]["message"])
        rows = self.wait_for_rows("select principal from audit.conversation where action = 'run.cancel'", 6)
        self.assertEqual(rows, [["key:alice"]] * 6)

    def test_2_an_admin_ends_a_callers_run_and_another_caller_does_not(self):
        run, answers, thread = self.under_way("while (true) {}")
        self.assertEqual(self.api("POST", f"/{run}/cancel", "bob")[0], 404)

        status, document = self.api("POST", f"/{run}/cancel", "admin")

        thread.join(10)
        self.assertEqual((status, document["state"], answers[0][1]), (200, "cancelled", "cancelled"))

    def test_3_a_run_that_waits_for_people_says_so_and_can_be_ended(self):
        folder = self.stack.demo_folder / "not_made"
        run, answers, thread = self.under_way(f"await filesystem.create_directory({{path: {json.dumps(str(folder))}}});", state="parked")

        waiting = self.api("GET", f"/{run}")[1]
        status, document = self.api("POST", f"/{run}/cancel")

        thread.join(10)
        self.assertRegex(waiting["approval_id"], "^apr_")
        self.assertEqual([c["verdict"] for c in waiting["call_set"]], ["approve"])
        self.assertNotIn("outcome", waiting["calls"][0])
        self.assertEqual((status, document["state"], answers[0][1]), (200, "cancelled", "cancelled"))
        self.assertFalse(folder.exists())


if __name__ == "__main__":
    unittest.main()
