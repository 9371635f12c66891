"""Bad servers hurt nobody: with a dead, a hung, a stopped and a flooding server and one with a huge catalog beside them, lists come
within 2 s and calls of the good servers within 1.2 times what they take without. Measured side by side with a stack of the good ones
alone, call by call in turn, so that a busy machine slows both."""

import json
import os
import signal
import statistics
import sys
import time
import unittest
from pathlib import Path

from case import NODE, ConfiguredStack, PRESET, stack_module

from mcp_client import McpClient

FAKE = stack_module.ROOT / "tests/support/fake_mcp_server.py"
PACKAGES = stack_module.ROOT / "tests/e2e/node_modules/@modelcontextprotocol"
LIST_SECONDS_MAX = 2
RATIO_MAX = 1.2
NOTICED_SECONDS_MAX = 12
BACK_SECONDS_MAX = 40  # the longest wait between two attempts is 30 s
ROUNDS, ATTEMPTS_MAX = 60, 3
LARGE_BYTES = 1_000_000
GOOD = {"files": ("read_text_file", lambda stack: {"path": str(stack.demo_folder / "hello.txt")}),
        "every": ("echo", lambda stack: {"message": "hi"}),
        "one": ("echo", lambda stack: {"text": "hi"}),
        "two": ("echo", lambda stack: {"text": "hi"})}


def server(name, command, *args):
    return {"name": name, "connection_type": "stdio", "tools_to_execute": ["*"],
            "stdio_config": {"command": str(command), "args": [str(arg) for arg in args]}}


def good_servers(stack):
    return [server("files", NODE, PACKAGES / "server-filesystem/dist/index.js", stack.demo_folder),
            server("every", NODE, PACKAGES / "server-everything/dist/index.js", "stdio"),
            server("one", sys.executable, FAKE), server("two", sys.executable, FAKE)]


def bad_servers(stack):
    return [server("dead", "false"), server("hung", sys.executable, FAKE, "--never-ready"),
            server("stopped", sys.executable, FAKE, "--pid-file", stack.folder / "stopped.pid"),
            server("flood", sys.executable, FAKE, "--flood", "--pid-file", stack.folder / "flood.pid"),
            server("huge", sys.executable, FAKE, "--large-catalog", LARGE_BYTES)]


class IsolationStack(ConfiguredStack):
    def __init__(self, folder, bad):
        super().__init__(folder, preset=PRESET)
        self.bad = bad

    def default_config(self):
        config = super().default_config()
        config["mcp"]["client_configs"] = good_servers(self) + (bad_servers(self) if self.bad else [])
        return config

    def state(self, name):
        status, _, text = self.request("GET", "/api/mcp/clients")
        assert status == 200, text
        return next(client for client in json.loads(text)["clients"] if client["config"]["name"] == name)

    def wait_for(self, name, state, seconds):
        """Seconds until it was in that state."""
        began = time.monotonic()
        while self.state(name)["state"] != state:
            assert time.monotonic() - began < seconds, f"{name} is not {state} after {seconds} s: {self.state(name)}"
            time.sleep(0.05)
        return time.monotonic() - began

    def wait_servers(self, seconds=stack_module.START_SECONDS_MAX):
        for name in GOOD:
            self.wait_for(name, "connected", seconds)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Isolation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = stack_module.ROOT / "build" / PRESET / "e2e"
        parent.mkdir(parents=True, exist_ok=True)
        cls.stacks = []
        cls.addClassCleanup(lambda: [stack.stop() for stack in cls.stacks])
        for name, bad in (("isolation-good", False), ("isolation-bad", True)):
            folder = parent / f"{name}-{os.getpid()}"
            folder.mkdir()
            folder.chmod(0o755)
            cls.stacks.append(IsolationStack(folder, bad).start())
        cls.good, cls.bad = cls.stacks
        cls.clients = [McpClient(stack.url, stack.key) for stack in cls.stacks]
        cls.addClassCleanup(lambda: [client.close() for client in cls.clients])

    def time_call(self, index, name):
        tool, arguments = GOOD[name]
        began = time.monotonic()
        result = self.clients[index].call(f"{name}-{tool}", **arguments(self.stacks[index]))
        took = time.monotonic() - began
        self.assertFalse(result.get("isError"), result)
        return took

    def measure(self):
        """Medians of the good servers' calls in ms, by server: (without bad servers, with them)."""
        times = {name: ([], []) for name in GOOD}
        for turn in range(ROUNDS):
            for name in GOOD:
                for index in ((0, 1) if turn % 2 else (1, 0)):
                    times[name][index].append(self.time_call(index, name))
        return {name: tuple(1000 * statistics.median(side) for side in both) for name, both in times.items()}

    def expect_calls_unaffected(self, when):
        for attempt in range(1, ATTEMPTS_MAX + 1):
            medians = self.measure()
            alone, beside = (sum(pair[index] for pair in medians.values()) for index in (0, 1))
            print(f"{when}, attempt {attempt}: " + ", ".join(f"{n} {a:.1f} -> {b:.1f} ms" for n, (a, b) in medians.items())
                  + f"; ratio {beside / alone:.2f}")
            if beside / alone <= RATIO_MAX:
                return
        self.fail(f"calls take {beside / alone:.2f} times as long beside bad servers ({when})")

    def expect_list(self, when, wanted):
        tools, seconds, _ = self.clients[1].list_tools()
        print(f"{when}: {len(tools)} tools listed in {seconds * 1000:.0f} ms")
        self.assertLess(seconds, LIST_SECONDS_MAX)
        servers = {tool["name"].partition("-")[0] for tool in tools}
        self.assertEqual(servers & (GOOD.keys() | wanted), GOOD.keys() | wanted)
        return tools

    def test_1_while_the_bad_ones_start(self):
        self.expect_list("while they start", set())
        for name in ("stopped", "flood", "huge"):
            self.bad.wait_for(name, "connected", 30)
        tools = self.expect_list("after they started", {"stopped", "flood", "huge"})
        huge = next(tool for tool in tools if tool["name"] == "huge-echo")
        self.assertEqual(len(huge["description"]), LARGE_BYTES)
        for name in ("dead", "hung"):
            self.assertNotEqual(self.bad.state(name)["state"], "connected")

    def test_2_calls_of_the_good_ones(self):
        flood = int((self.bad.folder / "flood.pid").read_text())
        before, began = cpu_seconds(flood), time.monotonic()
        self.expect_calls_unaffected("with a dead, a hung, a flooding and a huge one")
        share = (cpu_seconds(flood) - before) / (time.monotonic() - began)
        print(f"the flooding server itself takes {100 * share:.0f} % of a core")
        self.assertEqual(self.clients[1].call("flood-echo", text="still there")["content"][0]["text"], "still there")

    def test_3_one_that_stops_is_noticed_and_comes_back_and_nobody_waits_for_it(self):
        os.kill(int((self.bad.folder / "stopped.pid").read_text()), signal.SIGSTOP)
        began = time.monotonic()
        self.expect_list("one is stopped", {"stopped"})
        while self.bad.state("stopped")["state"] == "connected":
            self.time_call(1, "one")
            self.assertLess(time.monotonic() - began, NOTICED_SECONDS_MAX, self.bad.state("stopped"))
        noticed = time.monotonic() - began
        self.expect_list("it is noticed", {"stopped"})
        self.expect_calls_unaffected("while it is replaced")
        back = self.bad.wait_for("stopped", "connected", BACK_SECONDS_MAX)
        print(f"the stopped one was noticed after {noticed:.1f} s and was back {back:.1f} s after the measurement")
        self.assertEqual(self.clients[1].call("stopped-echo", text="again")["content"][0]["text"], "again")


if __name__ == "__main__":
    unittest.main()
