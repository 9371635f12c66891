#!/usr/bin/env python3
"""./dev bench mcp-call: calls of an MCP tool straight to a mock server, and of the same server's tools through Sluice's /mcp, interleaved.

Added latency is a variant's latency less the direct one of the same round. "read" is a call whose effect class is read; "write" is
one whose intent has to be durable before the server is called, so the audit consumer is at work in all of the run. Calls are those
of a modern client, which has no session; the server behind Sluice is spoken to in the legacy era. Standard library only."""

import json

import hot_path
from hot_path import Bench, Scenario

SERVER = "mock"
TOOLS = {"direct": "echo", "read": f"{SERVER}-echo", "write": f"{SERVER}-write"}  # variant → what its load calls


class CallScenario(Scenario):
    VARIANTS = list(TOOLS)


class CallBench(Bench):
    TITLE = "mcp call"
    SCENARIOS = [CallScenario("1 connection", 1), CallScenario("16 connections", 16)]
    SMOKE_SCENARIOS = [CallScenario("1 connection", 1), CallScenario("4 connections", 4)]
    THROUGH = ["read", "write"]
    PAUSED = []

    def upstream_config(self):
        return {"mcp": {"client_configs": [
            {"name": SERVER, "connection_type": "http", "connection_string": f"http://127.0.0.1:{self.mock_port}/mcp",
             "protocol_version": "2025-11-25", "allowed_private_networks": ["127.0.0.0/8"], "tools_to_execute": ["*"],
             "effect_classes": {"echo": "read", "write": "write"}}]}}

    def target(self, variant):
        through = variant in self.THROUGH
        port, key = (self.stack.ports("ingress")["http"], self.stack.key) if through else (self.mock_port, "none")
        return ["--port", port, "--tool", TOOLS[variant], "--key", key]

    def warm_up(self):
        """A call of each tool, so that a broken set-up is told plainly."""
        for variant in self.THROUGH:
            function = {"name": TOOLS[variant], "arguments": json.dumps({"message": variant})}
            status, _, text = self.stack.request("POST", "/v1/mcp/tool/execute", {"type": "function", "function": function})
            if status != 200 or json.loads(text).get("content") != variant:
                raise RuntimeError(f"{TOOLS[variant]} answers {status}: {text[:500]}")

    def print_latency(self):
        print("| load | variant | added p50 µs | added p99 µs | p50 | p99 | calls/s |")
        print("|---|---|---|---|---|---|---|")
        for scenario in self.scenarios():
            for variant in self.variants(scenario):
                added = [f"{self.added(scenario, variant, 'service', q):+.0f}" if variant != "direct" else "" for q in ("p50", "p99")]
                own = [f"{self.median(scenario, variant, lambda r, q=q: r['service'][q]):.0f}" for q in ("p50", "p99")]
                rate = self.median(scenario, variant, lambda r: r["rps"])
                print(f"| {scenario} | {variant} | {' | '.join(added + own)} | {rate:.0f} |")

    def print_targets(self):
        """There are none: the table is compared with that of another commit."""


if __name__ == "__main__":
    hot_path.main(CallBench, "mcp-call", __doc__.split("\n")[0])
