"""Five published servers of different authors, about a hundred tools, connected without any setting of their own: what they list and
answer through the gateway is what they list and answer directly."""

import json
import os
import subprocess
import unittest

from case import NODE, StackTest, stack_module

TESTS = stack_module.ROOT / "tests/e2e"
COMMON = TESTS / "node_modules/@modelcontextprotocol"
MORE = stack_module.ROOT / "tests/servers/node_modules"
CLIENT_SECONDS_MAX = 150
FIXED = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
         for what, value in (("NAME", "sluice"), ("EMAIL", "sluice@example.org"), ("DATE", "2026-01-01T00:00:00Z"))}


class LiveServers(StackTest):
    @classmethod
    def configure(cls, config):
        stack = cls.stack
        repository = stack.demo_folder / "repository"
        subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True, timeout=30)
        (repository / "a.txt").write_text("a\n")
        for args in (["add", "a.txt"], ["commit", "-q", "-m", "first"]):
            subprocess.run(["git", "-C", str(repository), *args], check=True, timeout=30, env=dict(os.environ, **FIXED))
        memory = stack.demo_folder / "memory.jsonl"
        memory.write_text('{"type":"entity","name":"gate","entityType":"thing","observations":["it is open"]}\n')

        def server(program, *args, call, **env):
            return {"command": str(NODE), "args": [str(program), *map(str, args)], "env": env, "call": call}

        cls.servers = {
            "filesystem": server(COMMON / "server-filesystem/dist/index.js", stack.demo_folder,
                                 call=["read_text_file", {"path": str(stack.demo_folder / "hello.txt")}]),
            "everything": server(COMMON / "server-everything/dist/index.js", "stdio", call=["echo", {"message": "hi"}]),
            "memory": server(MORE / "@modelcontextprotocol/server-memory/dist/index.js", call=["search_nodes", {"query": "gate"}],
                             MEMORY_FILE_PATH=str(memory)),
            "git": server(MORE / "@cyanheads/git-mcp-server/dist/index.js", call=["git_status", {"path": str(repository)}]),
            "local_git": server(MORE / "github-mcp-server/dist/index.js", call=["git-status", {"directory": str(repository)}]),
        }
        config["mcp"]["client_configs"] = [
            {"name": name, "connection_type": "stdio", "stdio_config": {"command": own["command"], "args": own["args"]},
             "env": own["env"], "tools_to_execute": ["*"]} for name, own in cls.servers.items()]

    def test_lists_and_answers_are_those_of_the_servers(self):
        env = dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=self.stack.key, SLUICE_DEMO_FOLDER=str(self.stack.demo_folder),
                   LIVE_SERVERS=json.dumps(self.servers))
        done = subprocess.run([str(NODE), "--test", "--test-reporter=spec", str(TESTS / "live_servers.test.mjs")], cwd=TESTS, env=env,
                              capture_output=True, text=True, timeout=CLIENT_SECONDS_MAX)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
