"""What servers say to official clients of both eras through /mcp, and clients to servers; clients that lose their connection, and clients
that go on after all of Sluice was restarted."""

import json
import os
import subprocess
import threading
import unittest

from case import NODE, StackTest, stack_module

TESTS = stack_module.ROOT / "tests/e2e"
FIXTURE = stack_module.ROOT / "tests/conformance/fixture_server.mjs"
KINDS = ["sdk 1", "client 2, legacy", "client 2, modern", "AI SDK"]  # of mcp_kinds.mjs
TALK_SECONDS_MAX = 200
SHELL_SECONDS_MAX = 120


def fixture(*words):
    return [str(NODE), str(FIXTURE), *words, "--surface", "talk_surface.mjs"]


class McpTalk(StackTest):
    @classmethod
    def configure(cls, config):
        config["http"]["port"] = stack_module.free_port()  # the same after a restart
        config["mcp"]["sampling"] = {"model": "demo/assistant", "servers": ["*"], "max_tokens": 50}
        config["mcp"]["client_configs"] = [
            {"name": "old", "connection_type": "stdio", "tools_to_execute": ["*"],
             "stdio_config": {"command": str(NODE), "args": fixture("--stdio", "--era", "legacy")[1:]}},
            {"name": "new", "connection_type": "http", "connection_string": f"http://127.0.0.1:{cls.port}/mcp",
             "allowed_private_networks": ["127.0.0.0/8"], "tools_to_execute": ["*"]}]

    @classmethod
    def setUpClass(cls):
        cls.web = subprocess.Popen(fixture("0", "--era", "modern"), stdout=subprocess.PIPE, text=True)
        try:
            cls.port = int(cls.web.stdout.readline())
            super().setUpClass()
            cls.start_another_ingress()
        except BaseException:
            cls.stop_web()
            raise

    @classmethod
    def start_another_ingress(cls):
        """The same but for its port."""
        config = json.loads((cls.folder / "sluice.json").read_text())
        config["http"]["port"] = 0
        file = cls.folder / "sluice-2.json"
        file.write_text(json.dumps(config))
        cls.stack.start_service("ingress", extra_env={"SLUICE_CONFIG": str(file)})
        cls.stack.wait_ready("ingress", 1)

    @classmethod
    def tearDownClass(cls):
        cls.stop_web()
        super().tearDownClass()

    @classmethod
    def stop_web(cls):
        cls.web.kill()
        cls.web.wait(10)
        cls.web.stdout.close()

    def environment(self, **more):
        return dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=self.stack.key, **more)

    def test_1_what_clients_and_servers_say_to_each_other(self):
        another = f"http://127.0.0.1:{self.stack.ports('ingress', 1)['http']}"
        scripts = [str(TESTS / name) for name in ("mcp_talk.test.mjs", "mcp_resume.test.mjs")]
        done = subprocess.run([str(NODE), "--test", "--test-reporter=spec", *scripts], cwd=TESTS,
                              env=self.environment(SLUICE_URL_2=another), capture_output=True, text=True, timeout=TALK_SECONDS_MAX)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_2_a_caller_that_is_no_mcp_client_has_the_gateways_model(self):
        for server in ("old", "new"):
            with self.subTest(server):
                call = {"id": f"call_{server}", "type": "function",
                        "function": {"name": f"{server}-think", "arguments": json.dumps({"prompt": "Hello"})}}
                status, headers, text = self.stack.request("POST", "/v1/mcp/tool/execute", call)
                self.assertEqual(status, 200, text)
                self.assertIn("The model says: ", json.loads(text)["content"])
                rows = self.wait_for_rows("select action, server, model from audit.records where action like 'chat.%' and chain_id = "
                                          f"'{headers['x-sluice-chain']}' order by hop, event_id", 2)
                self.assertEqual(rows, [["chat.request", server, "demo/assistant"], ["chat.answer", "", "assistant"]])

    def test_3_clients_go_on_after_everything_was_restarted(self):
        with_all = [self.shell(kind) for kind in KINDS]
        try:
            before = [self.ask(shell, "before") for shell in with_all]
            for service in stack_module.SERVICES:
                self.stack.services[service][0].stop()
            for service in stack_module.SERVICES:
                self.stack.restart_service(service)
            for service in stack_module.SERVICES:
                self.stack.wait_ready(service)
            self.stack.wait_servers()

            for kind, shell, tools in zip(KINDS, with_all, before):
                with self.subTest(kind):
                    self.assertEqual(self.ask(shell, "after"), tools)
        finally:
            for shell in with_all:
                shell.kill()
                shell.wait(10)
                shell.stdin.close()
                shell.stdout.close()

    def shell(self, kind):
        process = subprocess.Popen([str(NODE), str(TESTS / "mcp_shell.mjs")], env=self.environment(SLUICE_MCP_KIND=kind), text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.line(process)
        return process

    def line(self, process):
        watch = threading.Timer(SHELL_SECONDS_MAX, process.kill)
        watch.start()
        line = process.stdout.readline()
        watch.cancel()
        self.assertTrue(line, "mcp_shell.mjs ended or took too long; its error is above")
        return json.loads(line)

    def ask(self, process, name):
        """The names of the tools, after a call that went well."""
        answers = []
        for request in ({"list": True}, {"name": "old-ended", "arguments": {"name": name}}):
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            answers.append(self.line(process))
        self.assertEqual(answers[1].get("result", {}).get("content"), [{"type": "text", "text": "never begun"}], answers[1])
        self.assertIn("tools", answers[0], answers[0])
        return answers[0]["tools"]


def setUpModule():
    if not (FIXTURE.parent / "node_modules").exists():
        raise unittest.SkipTest("npm packages of tests/conformance are missing; ./dev setup installs them")


if __name__ == "__main__":
    unittest.main()
