"""Catalogs of published servers, recorded, through the gateway: every definition as it was, names unique and reversible, the same
bytes at every list and after a restart, within the time.

SLUICE_CATALOGS: folder of the recorded catalogs (one JSON array of tools a file); without it the tests are left out."""

import hashlib
import json
import os
import re
import sys
import unittest
from pathlib import Path

from case import StackTest, stack_module

from mcp_client import McpClient

FOLDER = os.environ.get("SLUICE_CATALOGS")
REPLAY = stack_module.ROOT / "tests/support/replay_mcp_server.py"
LIST_SECONDS_MAX = 2
TEN = ["filesystem", "memory", "everything", "sequential-thinking", "git_cyanheads", "mcp-sqlite", "github-mcp-server_git",
       "executeautomation-db", "playwright", "time-mcp"]
KEY_OF_TEN = "sk-sl-e2e-ten-servers"


def server_name(stem):
    return re.sub(r"[^A-Za-z0-9_]", "_", stem)[:32]


def canonical(value):
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@unittest.skipUnless(FOLDER, "SLUICE_CATALOGS is not set to the folder of recorded catalogs")
class Catalogs(StackTest):
    @classmethod
    def setUpClass(cls):
        files = sorted(Path(FOLDER).resolve().glob("*.json"))
        assert files, f"no catalogs in {FOLDER}"
        cls.recorded = {server_name(file.stem): json.loads(file.read_text()) for file in files}
        assert len(cls.recorded) == len(files)
        cls.files = {server_name(file.stem): file for file in files}
        cls.ten = {server_name(stem) for stem in TEN}
        super().setUpClass()

    @classmethod
    def configure(cls, config):
        config["mcp"]["client_configs"] = [
            {"name": name, "connection_type": "stdio", "tools_to_execute": ["*"],
             "stdio_config": {"command": sys.executable, "args": [str(REPLAY), str(file)]}} for name, file in cls.files.items()]
        config["auth"]["keys"].append({
            "id": "ten", "sha256": hashlib.sha256(KEY_OF_TEN.encode()).hexdigest(), "tenant": "default", "roles": ["caller"],
            "tools": [f"{name}-{tool['name']}" for name, tools in cls.recorded.items() if name in cls.ten for tool in tools]})

    def list_as(self, key, modern=False):
        client = McpClient(self.stack.url, key, modern=modern)
        self.addCleanup(client.close)
        return client.list_tools()

    def expect_recorded(self, tools, names):
        """Each tool is one of those servers' as it was recorded, and none is missing."""
        left = {(name, tool["name"]): tool for name in names for tool in self.recorded[name]}
        self.assertEqual(len(tools), len({tool["name"] for tool in tools}), "names are unique")
        for tool in tools:
            server, _, own = tool["name"].partition("-")  # no server has "-" in its name
            self.assertEqual(canonical({**tool, "name": own}), canonical(left.pop((server, own))))
        self.assertEqual(list(left), [], "not listed")

    def test_every_definition_is_as_recorded(self):
        for modern in (False, True):
            tools, seconds, bodies = self.list_as(self.stack.key, modern)
            print(f"{len(self.recorded)} servers, {len(tools)} tools, {sum(map(len, bodies))} bytes, "
                  f"{'modern' if modern else 'legacy'}: listed in {seconds * 1000:.0f} ms")
            self.expect_recorded(tools, self.recorded)
            self.assertLess(seconds, LIST_SECONDS_MAX)

    def test_ten_servers_of_them(self):
        if not self.ten <= self.recorded.keys():
            self.skipTest(f"not recorded: {sorted(self.ten - self.recorded.keys())}")
        tools, seconds, bodies = self.list_as(KEY_OF_TEN)
        print(f"10 servers, {len(tools)} tools, {sum(map(len, bodies))} bytes: listed in {seconds * 1000:.0f} ms")
        self.expect_recorded(tools, self.ten)
        self.assertLess(seconds, LIST_SECONDS_MAX)

    def test_the_order_is_the_same_at_every_list_and_after_a_restart(self):
        _, _, first = self.list_as(self.stack.key)
        _, _, second = self.list_as(self.stack.key)
        self.assertEqual(first, second)
        for service in ("mcp-connector", "ingress"):
            self.stack.services[service][0].stop()
            self.stack.restart_service(service)
            self.stack.wait_ready(service)
        self.stack.wait_servers()

        _, _, third = self.list_as(self.stack.key)

        self.assertEqual(first, third)

    def test_a_name_leads_back_to_its_server(self):
        client = McpClient(self.stack.url, self.stack.key)
        self.addCleanup(client.close)
        for name, tools in self.recorded.items():
            tool = next((t for t in tools if not t.get("inputSchema", {}).get("required") and "outputSchema" not in t), None)
            if tool is not None:
                answer = client.call(f"{name}-{tool['name']}")
                self.assertEqual(answer["content"][0]["text"], tool["name"])


if __name__ == "__main__":
    unittest.main()
