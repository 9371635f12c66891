"""Limits on calls of tools through the real services, two replicas of policy-engine and two of ingress. The oracle is a ledger that
the called server itself keeps: never more lines than the limit, and exactly as many where it is pressed."""

import concurrent.futures
import hashlib
import json
import os
import signal
import sys
import time
import unittest
import urllib.error
import urllib.request

from case import StackTest, stack_module

sys.path.insert(0, str(stack_module.ROOT / "tests/support"))
from mcp_client import McpClient  # noqa: E402

LEDGER_SERVER = stack_module.ROOT / "tests/support/ledger_server.py"
CALLERS = ["alice", "bob", "carol", "dave", "erin", "frank", "grace"]
CALLS, ATTEMPTS = 10, 40
WAIT_SECONDS_MAX = 40
HOUR = {"window_s": 3600}


def key_of(name):
    return f"sk-sl-{name}"


@unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "its ledger server is not in the image")
class Limits(StackTest):
    replicas = {"policy-engine": 2, "ingress": 2}

    @classmethod
    def configure(cls, config):
        for name in CALLERS:
            config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(key_of(name).encode()).hexdigest()})
        for name in ("ledger", "frail", "scripted"):
            # A server whose flag is there does not start (again).
            start = f'test -e "{cls.folder}/{name}.off" && exit 1; exec "{sys.executable}" "{LEDGER_SERVER}" "{cls.ledger(name)}"'
            config["mcp"]["client_configs"].append(
                {"name": name, "connection_type": "stdio", "stdio_config": {"command": "/bin/sh", "args": ["-c", start]},
                 "tools_to_execute": ["*"], "is_code_mode_client": name == "scripted"})
        config["mcp"]["client_configs"][0]["tools_to_auto_execute"] = ["read_file"]
        append = {"server": "ledger", "tool": "append"}
        config["policy"] = {"preset": "manual", "limits": [
            {"id": "appends", "match": {**append, "caller": {"key_id": ["alice", "bob"]}}, "per": ["key"], "calls": CALLS, **HOUR},
            {"id": "short", "match": {**append, "caller": {"key_id": "carol"}}, "calls": 2, "window_s": 3},
            {"id": "naps", "match": {"tool": "nap"}, "per": ["tool"], "at_once": 2},
            {"id": "frail", "match": {"server": "frail"}, "per": ["server"], "calls": 2, **HOUR, "at_once": 2},
            {"id": "agents", "match": {"mode": "agent"}, "per": ["key"], "calls": 1, **HOUR},
            {"id": "clients", "match": {**append, "caller": {"key_id": "erin"}}, "calls": 1, **HOUR},
            {"id": "scripts", "match": {"server": "scripted"}, "calls": 2, **HOUR},
        ]}

    # --- steps --------------------------------------------------------------------------------------------------------

    @classmethod
    def ledger(cls, server):
        return cls.folder / f"{server}.jsonl"

    def effects(self, server, begin=""):
        path = self.ledger(server)
        tokens = [json.loads(line)["token"] for line in path.read_text().splitlines()] if path.exists() else []
        return [token for token in tokens if token.startswith(begin)]

    def execute(self, who, call_id, tool="ledger-append", arguments=None, ingress=0):
        """(status, headers, answer or its error)"""
        body = {"id": call_id, "type": "function",
                "function": {"name": tool, "arguments": json.dumps(arguments or {"token": call_id})}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.ports('ingress', ingress)['http']}/v1/mcp/tool/execute", json.dumps(body).encode(),
            {"Authorization": f"Bearer {key_of(who)}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, response.headers, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, error.headers, json.loads(error.read())["error"]

    def counters(self, limit):
        status, _, text = self.stack.request("GET", "/api/limits")
        self.assertEqual(status, 200, text)
        return next(one["counters"] for one in json.loads(text)["limits"] if one["id"] == limit)

    def wait_for_counters(self, limit, wanted):
        """Ends of calls are told as events, just after the answers."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while (seen := [(c["counts"], c["taken"]) for c in self.counters(limit)]) != wanted and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(seen, wanted)

    def state_of(self, server):
        _, _, text = self.stack.request("GET", "/api/mcp/clients")
        return next(c["state"] for c in json.loads(text)["clients"] if c["config"]["name"] == server)

    def wait_for_state(self, server, wanted):
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while (wanted == "connected") != (self.state_of(server) == "connected") and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(wanted == "connected", self.state_of(server) == "connected")

    def kill_server(self, name):
        marker = str(self.ledger(name)).encode()
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                except OSError:
                    continue
                if marker in words and str(LEDGER_SERVER).encode() in words:
                    os.kill(int(entry), signal.SIGKILL)

    # --- cases --------------------------------------------------------------------------------------------------------

    def test_pressed_by_a_crowd_exactly_the_limit_has_effects(self):
        calls = [(who, f"{who}-{i}", i % 2) for i in range(ATTEMPTS) for who in ("alice", "bob")]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            ends = list(pool.map(lambda c: (c, self.execute(c[0], c[1], ingress=c[2])), calls))

        self.assertEqual({status for _, (status, _, _) in ends}, {200, 429})
        for who in ("alice", "bob"):
            done = [call[1] for call, (status, _, _) in ends if call[0] == who and status == 200]
            self.assertEqual(len(done), CALLS)
            self.assertEqual(sorted(self.effects("ledger", who)), sorted(done))
        _, headers, error = next(end for _, end in ends if end[0] == 429)
        self.assertEqual((error["type"], error["code"], error["rule"]), ("rate_limit_error", "rate_limit_exceeded", "limits.appends"))
        self.assertIn("10 calls in 3600 s", error["message"])
        self.assertTrue(3500 < int(headers["Retry-After"]) <= 3600, headers["Retry-After"])
        rows = self.wait_for_rows("select principal from audit.records where action = 'policy.decision' and rule = 'limits.appends' "
                                  "and decision = 'deny' and outcome = 'refused'", 2 * (ATTEMPTS - CALLS))
        self.assertEqual(len(rows), 2 * (ATTEMPTS - CALLS))

        # What ran is answered from the trail, and not counted again; other keys are not concerned.
        status, headers, _ = self.execute("alice", self.effects("ledger", "alice")[0], ingress=1)
        self.assertEqual((status, headers.get("x-sluice-replayed")), (200, "true"))
        self.assertEqual(sorted((c["subject"], c["taken"], c["of"]) for c in self.counters("appends")),
                         [("key:alice", CALLS, CALLS), ("key:bob", CALLS, CALLS)])
        self.assertEqual(self.execute("dave", "dave-1")[0], 200)
        self.assertEqual(self.stack.request("GET", "/api/limits", key=key_of("alice"))[0], 403)

    def test_a_place_is_free_again_when_the_window_has_passed_it(self):
        began = time.monotonic()
        self.assertEqual([self.execute("carol", f"carol-{i}")[0] for i in range(2)], [200, 200])
        status, headers, _ = self.execute("carol", "carol-2", ingress=1)
        while status == 429 and time.monotonic() < began + WAIT_SECONDS_MAX:
            self.assertLessEqual(int(headers["Retry-After"]), 3)
            time.sleep(0.1)
            status, headers, _ = self.execute("carol", "carol-2", ingress=1)

        self.assertEqual(status, 200)
        self.assertGreater(time.monotonic() - began, 2.9)
        self.assertEqual(self.effects("ledger", "carol"), ["carol-0", "carol-1", "carol-2"])

    def test_only_so_many_calls_are_under_way_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            ends = list(pool.map(lambda i: self.execute("dave", f"nap-{i}", "ledger-nap", {"ms": 2000}, i % 2), range(6)))

        self.assertEqual(sorted(status for status, _, _ in ends), [200, 200, 429, 429, 429, 429])
        self.wait_for_counters("naps", [])
        self.assertEqual(self.execute("dave", "nap-7", "ledger-nap", {"ms": 1})[0], 200)

    def test_calls_that_are_not_carried_out_are_given_back(self):
        off = self.folder / "frail.off"
        off.touch()
        self.kill_server("frail")
        self.wait_for_state("frail", "not connected")
        for i in range(4):  # twice the limit
            status, _, error = self.execute("frank", f"frail-{i}", "frail-append")
            self.assertEqual(status, 503, error)
            self.wait_for_counters("frail", [])
        off.unlink()
        self.wait_for_state("frail", "connected")

        ends = [self.execute("frank", f"frail-{i}", "frail-append")[0] for i in range(4)]

        self.assertEqual(ends, [200, 200, 429, 429])
        self.assertEqual(self.effects("frail"), ["frail-0", "frail-1"])

    def test_an_agent_is_told_and_goes_on(self):
        answers = []
        for _ in range(2):
            body = {"model": "demo/assistant",
                    "messages": [{"role": "user", "content": f"Read {self.stack.demo_folder / 'hello.txt'}"}]}
            status, _, text = self.stack.request("POST", "/v1/chat/completions", body, key=key_of("grace"),
                                                 headers={"x-sluice-include-tools": "filesystem-read_file"})
            self.assertEqual(status, 200, text)
            answers.append(json.loads(text)["sluice"])

        self.assertEqual([answer["stop_reason"] for answer in answers], ["stop", "stop"])
        results = [next(m for m in answer["transcript"] if m["role"] == "tool") for answer in answers]
        self.assertNotIn("is_error", results[0])
        self.assertTrue(results[1]["is_error"])
        self.assertIn("limits.agents", results[1]["content"])

    def test_an_mcp_client_is_told(self):
        client = McpClient(self.stack.url, key_of("erin"))
        try:
            results = [client.call("ledger-append", token=f"erin-{i}") for i in range(2)]
        finally:
            client.close()

        self.assertFalse(results[0].get("isError", False))
        self.assertTrue(results[1]["isError"])
        self.assertIn("limits.clients", results[1]["content"][0]["text"])
        self.assertEqual(self.effects("ledger", "erin"), ["erin-0"])

    def test_a_script_gets_a_typed_error(self):
        code = """
            const codes = [];
            for (let i = 0; i < 4; ++i) {
              try { await scripted.append({token: `script-${i}`}); codes.push("done"); } catch (error) { codes.push(error.code); }
            }
            return codes;"""
        status, _, answer = self.execute("dave", "script", "executeToolCode", {"code": code})

        self.assertEqual(status, 200, answer)
        self.assertEqual(json.loads(answer["content"])["result"], ["done", "done", "rate_limited", "rate_limited"])
        self.assertEqual(self.effects("scripted"), ["script-0", "script-1"])


if __name__ == "__main__":
    unittest.main()
