"""The article's example of code mode through the whole of Sluice: search, take the titles, write a file, return; found and read by
the meta-tools, run through chat completions with the demo model, through /v1/mcp/tool/execute and through /mcp with the MCP SDK."""

import json
import os
import subprocess
import sys
import unittest

from case import NODE, StackTest, stack_module
from mcp_client import McpClient

SEARCH = stack_module.ROOT / "tests/support/search_mcp_server.py"
META_TOOLS = ["listToolFiles", "readToolFile", "executeToolCode"]
CLIENT_SECONDS_MAX = 60


class Article(StackTest):
    """Both servers are for scripts only; all of their tools run by themselves but the filesystem's move_file."""

    config = {"policy": {"preset": "manual"}}

    @classmethod
    def configure(cls, config):
        cls.calls = cls.folder / "search-calls"
        files = config["mcp"]["client_configs"][0]
        assert files["name"] == "filesystem"
        files["is_code_mode_client"] = True
        files["tools_to_auto_execute"] = ["read_text_file", "write_file"]
        config["mcp"]["client_configs"] = [files, {
            "name": "youtube", "connection_type": "stdio", "is_code_mode_client": True,
            "stdio_config": {"command": sys.executable, "args": [str(SEARCH), "--record", str(cls.calls)]},
            "tools_to_execute": ["*"], "tools_to_auto_execute": ["search"]}]

    def setUp(self):
        self.target = self.stack.demo_folder / "titles.json"
        self.target.unlink(missing_ok=True)
        self.calls.unlink(missing_ok=True)

    def script(self):
        return f"""const found = await youtube.search({{ query: "AI infrastructure", maxResults: 5 }});
const titles = found.items.map((item) => item.title);
await filesystem.write_file({{ path: {json.dumps(str(self.target))}, content: JSON.stringify(titles) }});
return {{ saved: titles.length }};"""

    def expect_done(self):
        self.assertEqual(json.loads(self.target.read_text()), [f"AI infrastructure {i}" for i in range(1, 6)])
        self.assertEqual(json.loads(self.calls.read_text()), {"query": "AI infrastructure", "maxResults": 5})

    def call(self, name, **arguments):
        """Content of the tool message."""
        body = {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", body)
        self.assertEqual(status, 200, text)
        return json.loads(text)["content"]

    def chat(self, content, tool=None):
        body = {"model": "demo/assistant", "messages": [{"role": "user", "content": content}]}
        if tool:
            body["tool_choice"] = {"type": "function", "function": {"name": tool}}
        status, _, text = self.stack.request("POST", "/v1/chat/completions", body)
        self.assertEqual(status, 200, text)
        return json.loads(text)

    def test_the_files_tell_what_the_script_needs(self):
        self.assertEqual(self.call("listToolFiles"), "servers/\n  filesystem.d.ts\n  youtube.d.ts\n")

        file = self.call("readToolFile", fileName="servers/youtube.d.ts")
        self.assertIn("declare const youtube: {", file)
        self.assertIn("/** Searches videos by words. */", file)
        self.assertIn("Promise<{ items: { id: string; title: string }[] }>", file)
        first = self.call("readToolFile", fileName="YouTube", startLine=1, endLine=1)
        self.assertEqual(first, "declare const youtube: {\n")
        self.assertIn("servers/youtube.d.ts", self.call("readToolFile", fileName="shop"))

        found = self.call("searchTools", query="write a file", limit=3)
        self.assertTrue(found.startswith("filesystem.write_file(args: { path: string; content: string })"), found)

    def test_chat_completions_run_it_unattended_where_every_call_is_automatic(self):
        answer = self.chat(self.script(), "executeToolCode")

        self.assertEqual(answer["sluice"]["stop_reason"], "stop", answer)
        transcript = answer["sluice"]["transcript"]
        self.assertEqual(transcript[0]["tool_calls"][0]["function"]["name"], "executeToolCode")
        self.assertEqual(json.loads(transcript[1]["content"]), {"result": {"saved": 5}}, transcript)
        self.expect_done()

    def test_a_script_with_another_call_comes_back_and_runs_when_it_is_executed(self):
        moved = self.stack.demo_folder / "moved.json"
        moved.unlink(missing_ok=True)
        code = self.script().replace("return {", f"""await filesystem.move_file({{
  source: {json.dumps(str(self.target))}, destination: {json.dumps(str(moved))} }});
return {{""")

        answer = self.chat(code, "executeToolCode")

        self.assertEqual(answer["choices"][0]["finish_reason"], "tool_calls", answer)
        self.assertFalse(self.calls.exists(), "nothing ran")
        waiting = answer["choices"][0]["message"]["tool_calls"][0]
        [script] = answer["sluice"]["scripts"]
        self.assertEqual(script["tool_call_id"], waiting["id"])
        verdicts = {(call["server"], call["tool"]): call["verdict"] for call in script["call_set"]}
        self.assertEqual(verdicts, {("youtube", "search"): "auto", ("filesystem", "write_file"): "auto",
                                    ("filesystem", "move_file"): "manual"})
        status, headers, text = self.stack.request("POST", "/v1/mcp/tool/execute", waiting)
        self.assertEqual((status, headers["x-sluice-outcome"]), (200, "ok"), text)
        self.assertEqual(json.loads(moved.read_text())[0], "AI infrastructure 1")

    def test_agent_mode_reads_by_itself(self):
        answer = self.chat("What is there?", "listToolFiles")

        self.assertEqual(answer["sluice"]["stop_reason"], "stop", answer)
        self.assertIn("youtube.d.ts", answer["sluice"]["transcript"][1]["content"])

    def test_a_script_that_is_wrong_is_told_where_and_calls_nothing(self):
        content = json.loads(self.call("executeToolCode", code=self.script().replace("youtube.search", "youtube.serch")))

        self.assertEqual(content["error"]["outcome"], "type_error", content)
        self.assertEqual(content["error"]["line"], 1)
        self.assertIn("serch", content["error"]["message"])
        self.assertFalse(self.calls.exists())

    def test_an_mcp_client_finds_reads_and_runs_it(self):
        env = dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=self.stack.key,
                   SLUICE_DEMO_FOLDER=str(self.stack.demo_folder))
        lines = [{"name": "listToolFiles", "arguments": {}}, {"name": "readToolFile", "arguments": {"fileName": "filesystem"}},
                 {"name": "executeToolCode", "arguments": {"code": self.script()}}]
        done = subprocess.run([str(NODE), "tests/e2e/mcp_shell.mjs"], cwd=stack_module.ROOT, env=env, text=True,
                              input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True,
                              timeout=CLIENT_SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stderr)
        results = [json.loads(line)["result"]["content"][0]["text"] for line in done.stdout.splitlines()[1:]]

        self.assertIn("youtube.d.ts", results[0])
        self.assertIn("write_file(args: { path: string; content: string })", results[1])
        self.assertEqual(json.loads(results[2]), {"result": {"saved": 5}})
        self.expect_done()

    def test_an_mcp_client_is_offered_the_meta_tools_alone(self):
        client = McpClient(self.stack.url, self.stack.key)
        self.addCleanup(client.close)
        names = [tool["name"] for tool in client.list_tools()[0]]
        self.assertEqual(names, META_TOOLS)


if __name__ == "__main__":
    unittest.main()
