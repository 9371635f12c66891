"""Scripts in V8 that call tools of real servers through the whole of Sluice: their values, their failures, what policy refuses, what
the trail tells of them, and what a second execution does."""

import json
import os
import threading
import time
import unittest

from case import StackTest, stack_module

RUN_SECONDS = 5
CHAIN_QUERY = "select action, tool, decision, outcome, error_code, tool_call_id from audit.conversation where chain_id = '{}'"


class CodeModeStack(StackTest):
    """filesystem is offered to scripts only; reads and write_file run, everything else needs an approval."""

    config = {"codemode": {"run_seconds": RUN_SECONDS, "park_seconds": 1}, "policy": {"preset": "safe"}}

    @classmethod
    def configure(cls, config):
        server = config["mcp"]["client_configs"][0]
        assert server["name"] == "filesystem"
        server["is_code_mode_client"] = True
        server["tools_to_auto_execute"] = ["read_text_file", "list_directory", "write_file"]

    def execute(self, code, identifier=None, timeout=30):
        """(status, headers, content of the tool message, or the error's body)"""
        call = {"type": "function", "function": {"name": "executeToolCode", "arguments": json.dumps({"code": code})}}
        if identifier:
            call["id"] = identifier
        status, headers, text = self.stack.request("POST", "/v1/mcp/tool/execute", call, timeout=timeout)
        body = json.loads(text)
        return status, headers, json.loads(body["content"]) if status == 200 else body

    def path(self, name):
        return json.dumps(str(self.stack.demo_folder / name))


class CodeMode(CodeModeStack):
    def test_parallel_calls_of_real_tools_and_the_story_of_a_conversation(self):
        for name in "abcde":
            (self.stack.demo_folder / f"{name}.txt").write_text(f"text {name}\n")
        code = f"""
            const folder: string = {self.path('')};
            const files = ["a", "b", "c", "d", "e"];
            const texts = await Promise.all(
              files.map((name) => filesystem.read_text_file({{path: `${{folder}}/${{name}}.txt`}})));
            console.log("read", texts.length);
            console.error("to be seen");
            return texts.map((text) => text.content.trim());"""
        status, headers, content = self.execute(code, "call_story")
        self.assertEqual(status, 200, content)
        self.assertEqual(content, {"result": [f"text {name}" for name in "abcde"],
                                   "console": ["read 5", "[error] to be seen"]})
        self.assertEqual(headers["x-sluice-outcome"], "ok")
        self.assertRegex(headers["x-sluice-run"], "^run_[0-9a-f]{32}$")
        chain = headers["x-sluice-chain"]

        call = {"id": "call_story", "type": "function",
                "function": {"name": "executeToolCode", "arguments": json.dumps({"code": code})}}
        ask = {"model": "demo/assistant", "messages": [
            {"role": "user", "content": "Read five files"}, {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_story", "content": json.dumps(content)}]}
        status, headers, text = self.stack.request("POST", "/v1/chat/completions", ask)
        self.assertEqual(status, 200, text)
        self.assertEqual(headers["x-sluice-chain"], chain)

        story = ["tool.execute", "run.started", "policy.script"] + ["policy.decision", "tool.intent", "tool.outcome"] * 5 + \
                ["run.finished", "chat.request", "chat.answer"]
        rows = self.wait_for_rows(CHAIN_QUERY.format(chain), len(story))
        self.assertEqual([r[0] for r in rows], story, rows)
        self.assertEqual({r[2] for r in rows if r[0] == "policy.decision"}, {"auto"})
        self.assertEqual({r[3] for r in rows if r[0] == "tool.outcome"}, {"done"})
        self.assertEqual([r[3] for r in rows if r[0] == "run.finished"], ["done"])
        self.assertEqual({r[5] for r in rows if r[0].startswith(("tool.", "run."))}, {"call_story"})

    def test_chats_offer_one_tool_in_place_of_the_servers(self):
        call = {"type": "function", "function": {"name": "executeToolCode", "arguments": json.dumps({"code": "return 1"})}}
        narrowed = {"x-sluice-include-servers": "everything"}

        status, _, _ = self.stack.request("POST", "/v1/mcp/tool/execute", call)
        left_out, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", call, headers=narrowed)

        self.assertEqual(status, 200)
        self.assertEqual(left_out, 404, text)

    def test_errors_name_outcome_line_and_column(self):
        status, headers, content = self.execute("const a = 1;\nconst b = (a +;\nreturn b;")
        self.assertEqual(status, 200, content)
        self.assertEqual(headers["x-sluice-outcome"], "type_error")
        self.assertEqual(content["error"]["outcome"], "type_error")
        self.assertEqual(content["error"]["line"], 2)
        self.assertGreater(content["error"]["column"], 1)
        self.assertTrue(content["error"]["hint"])

        _, _, content = self.execute("console.log('before');\n\n  throw new Error('on purpose');")
        self.assertEqual(content["error"]["outcome"], "script_error")
        self.assertIn("on purpose", content["error"]["message"])
        self.assertEqual(content["error"]["line"], 3)
        self.assertEqual(content["console"][0], "before")

    def test_a_failing_tool_rejects_and_the_script_may_go_on(self):
        _, headers, content = self.execute(
            f"try {{ await filesystem.read_text_file({{path: {self.path('missing.txt')}}}); return 'read'; }}\n"
            "catch (error) { return {code: error.code, message: error.message}; }")

        self.assertEqual(headers["x-sluice-outcome"], "ok", content)
        self.assertEqual(content["result"]["code"], "tool_error")
        self.assertIn("missing.txt", content["result"]["message"])

    def test_policy_decides_every_call(self):
        folder = self.stack.demo_folder / "not_made"
        _, headers, content = self.execute(
            f"try {{ await filesystem.create_directory({{path: {self.path('not_made')}}}); return 'made'; }}\n"
            "catch (error) { return {code: error.code, message: error.message}; }", "call_denied")

        self.assertEqual(content["error"]["outcome"], "approval_required", content)
        self.assertIn("preset.safe", content["error"]["message"])
        self.assertFalse(folder.exists())
        query = CHAIN_QUERY.format(headers["x-sluice-chain"])
        self.wait_for_rows(query + " and action = 'run.finished'", 1)
        rows = self.wait_for_rows(query, 7)
        asked = [r for r in rows if r[0] == "approval.created"]  # beside the decision, in either order
        self.assertEqual([r[2] for r in asked], ["approve"], rows)
        told = [(r[0], r[2], r[3]) for r in rows if r not in asked]
        decisions = [row for row in told if row[0] == "policy.decision"]  # asked again when the time is over
        self.assertEqual(set(decisions), {("policy.decision", "approve", "refused")})
        self.assertEqual([row for row in told if row not in decisions], [
            ("tool.execute", "", ""), ("run.started", "", ""), ("policy.script", "approve", ""),
            ("run.finished", "", "failed")], rows)

    def test_scripts_that_cannot_be_right_do_not_run(self):
        wrong = [
            ("filesystem.read_text_fil({path: 'x'})", "read_text_file"),
            ("await filesystem.read_text_file({pth: 'x'})", "path"),
            ("await filesystem.read_text_file({path: 1})", "number"),
            ("const f = filesystem as any; await f['write' + '_file']({path: 'x', content: 'y'})", "filesystem"),
        ]
        for code, named in wrong:
            _, headers, content = self.execute(code)
            self.assertEqual(headers["x-sluice-outcome"], "type_error", content)
            self.assertIn(named, json.dumps(content))

    def test_servers_outside_code_mode_are_not_there(self):
        _, _, content = self.execute("return typeof everything;")

        self.assertEqual(content["result"], "undefined")

    def test_an_endless_loop_ends_in_time(self):
        start = time.monotonic()
        status, headers, content = self.execute("console.log('begun'); while (true) {}")
        seconds = time.monotonic() - start

        self.assertEqual(status, 200, content)
        self.assertEqual(content["error"]["outcome"], "timeout", content)
        self.assertEqual(headers["x-sluice-outcome"], "timeout")
        self.assertEqual(content["console"], ["begun"])
        self.assertLess(seconds, RUN_SECONDS + 1.0)
        self.assertEqual(self.execute("return 2;")[2], {"result": 2}, "the runner goes on")

    def test_executing_a_script_again_repeats_no_write(self):
        target = self.stack.demo_folder / "written.txt"
        code = f"""
            const before = await filesystem.list_directory({{path: {self.path('')}}});
            const done = await filesystem.write_file({{path: {self.path('written.txt')}, content: "once"}});
            return done;"""
        _, _, first = self.execute(code, "call_twice")
        self.assertIn("result", first)
        self.assertEqual(target.read_text(), "once")
        target.unlink()

        deadline = time.monotonic() + 10
        while True:  # the outcome is on its way to the trail for a moment
            _, _, second = self.execute(code, "call_twice")
            if "error" not in second or time.monotonic() > deadline:
                break
            time.sleep(0.2)

        self.assertEqual(second, first)
        self.assertFalse(target.exists(), "the effect happened a second time")
        self.execute(code, "call_thrice")
        self.assertTrue(target.exists(), "another execution is another effect")

    def test_refuses_calls_without_a_script(self):
        call = {"type": "function", "function": {"name": "executeToolCode", "arguments": "{}"}}

        status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", call)

        self.assertEqual(status, 400, text)
        self.assertIn("code", text)


@unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "kills local processes by pid")
class CodeModeReplicas(CodeModeStack):
    replicas = {"codemode-sandbox": 2, stack_module.RUNNER: 2}

    def many(self, count, name):
        """Runs scripts at the same time; the answers in order."""
        answers = [None] * count

        def one(index):
            code = f"const text = await filesystem.read_text_file({{path: {self.path('hello.txt')}}});\nreturn [{index}, text.content.length];"
            answers[index] = self.execute(code, f"{name}_{index}")

        threads = [threading.Thread(target=one, args=(index,)) for index in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    def expect_all(self, answers):
        length = len((self.stack.demo_folder / "hello.txt").read_text())
        for index, (status, _, content) in enumerate(answers):
            self.assertEqual((status, content), (200, {"result": [index, length]}))

    def metric(self, name, instances=(0, 1)):
        """Sum of a metric over instances of the service."""
        lines = [line for index in instances for line in self.stack.health("codemode-sandbox", "/metrics", index).splitlines()]
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def test_scripts_survive_a_dead_runner_and_a_dead_service(self):
        self.expect_all(self.many(16, "whole"))
        for instance in (0, 1):
            self.assertGreater(self.metric('sluice_codemode_runs_total{outcome="ok"}', [instance]), 0, "both take part")

        # Scripts that have made no call yet are given to the other runner.
        answers = []
        code = "let sum = 0; for (let i = 0; i < 2e7; ++i) sum += i; return 'moved';"  # most of a second
        slow = [threading.Thread(target=lambda n=n: answers.append(self.execute(code, f"moved_{n}"))) for n in range(4)]
        for thread in slow:
            thread.start()
        time.sleep(0.2)
        self.stack.runners[0].kill()
        for thread in slow:
            thread.join(30)
        self.assertEqual([content for _, _, content in answers], [{"result": "moved"}] * 4)
        self.assertGreater(self.metric("sluice_codemode_scripts_moved_total"), 0)
        self.expect_all(self.many(16, "one_runner"))
        self.stack.runners.pop(0)
        self.stack.start_runner()
        self.stack.wait_runners()

        self.stack.services["codemode-sandbox"][0].kill()
        deadline = time.monotonic() + 10
        while self.execute("return 1;")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.expect_all(self.many(16, "one_service"))
        self.stack.restart_service("codemode-sandbox")
        self.stack.wait_ready("codemode-sandbox")
        self.stack.wait_runners()
        self.expect_all(self.many(16, "again"))

    def test_without_a_runner_the_answer_says_so(self):
        for runner in self.stack.runners:
            runner.kill()
        count = len(self.stack.runners)
        self.stack.runners.clear()
        time.sleep(1)

        status, _, body = self.execute("return 1;")

        self.assertEqual(status, 503, body)
        self.assertIn("no runner is connected", body["error"]["message"])
        for _ in range(count):
            self.stack.start_runner()
        self.stack.wait_runners()
        self.assertEqual(self.execute("return 1;")[0], 200)


if __name__ == "__main__":
    unittest.main()
