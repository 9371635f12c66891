#!/usr/bin/env python3
"""./dev bench agent: chats in agent mode of six rounds with four tool calls each, and what of their time is the gateway's own.

The model is the demo model, whose own time is too short to be told from its service's; the tool server is the mock of mcp-call, and
its time is that of six times four calls at once straight to it. The rest of a chat's wall time, as its client sees it, is the
gateway's: ingress, decisions and grants, mcp-connector, records, the bus. "read" calls a tool of that effect class; "write" one whose
intent has to be durable before the server is called, so that audit-writer is at work in all of it. Standard library only."""

import http.client
import json
import statistics
import subprocess
import time

import hot_path
from hot_path import Bench

ROUNDS, CALLS = 6, 4
SERVERS = {"read": "reads", "write": "writes"}  # variant → the server whose echo it calls
VARIANTS = {"read": ("read", False), "read, streamed": ("read", True), "write": ("write", False)}


def question():
    """Six steps of four calls, as the demo model reads them."""
    steps = [" ".join(f'echo "{step}-{call}"' for call in range(CALLS)) for step in range(ROUNDS)]
    return ", then ".join([*steps, "say so"])


class AgentBench(Bench):
    TITLE = "agent"

    def upstream_config(self):
        def server(name, effect):
            return {"name": name, "connection_type": "http", "connection_string": f"http://127.0.0.1:{self.mock_port}/mcp",
                    "protocol_version": "2025-11-25", "allowed_private_networks": ["127.0.0.0/8"], "tools_to_execute": ["*"],
                    "tools_to_auto_execute": ["echo"], "effect_classes": {"echo": effect}}
        return {"mcp": {"client_configs": [server(name, effect) for effect, name in SERVERS.items()]}}

    def chat(self, connection, variant):
        """Wall seconds of one chat; raises unless every call was run."""
        effect, stream = VARIANTS[variant]
        body = {"model": "demo/assistant", "messages": [{"role": "user", "content": question()}], "stream": stream}
        headers = {"Authorization": f"Bearer {self.stack.key}", "Content-Type": "application/json",
                   "x-sluice-include-tools": f"{SERVERS[effect]}-echo"}
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        wall = time.perf_counter() - began
        if answer.status != 200 or f'"stop_reason":"stop","depth":{ROUNDS},' not in text:
            raise RuntimeError(f"{variant}: {answer.status}: {text[:500]}")
        return wall

    def direct_us(self):
        """Median time of a call straight to the tool server, four at once."""
        argv = [self.programs / "load_generator", "--port", self.mock_port, "--tool", "echo", "--key", "none", "--connections", CALLS,
                "--seconds", self.options.seconds, "--warmup", self.options.warmup]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=self.options.seconds + 60)
        return json.loads(done.stdout)["service"]["p50"]

    def run(self):
        self.rows, self.idle_rss = [], {}
        connection = http.client.HTTPConnection("127.0.0.1", self.stack.ports("ingress")["http"], timeout=60)
        count = 3 if self.options.smoke else max(int(self.options.seconds * 20), 1)
        for variant in VARIANTS:
            self.chat(connection, variant)
        for number in range(self.options.rounds):
            direct = self.direct_us()
            for _ in range(count):
                for variant in VARIANTS:
                    wall = self.chat(connection, variant)
                    tools = direct * ROUNDS
                    self.rows.append({"variant": variant, "round": number, "wall": wall * 1e6, "tools": tools,
                                      "gateway": wall * 1e6 - tools})
        connection.close()

    def print_report(self):
        self.print_head(f"{ROUNDS} rounds of {CALLS} calls, then an answer; {len(self.rows) // len(VARIANTS)} chats of each kind, one after the other")
        print("Milliseconds of a chat: median (p99). Per call: the gateway's median over all tool calls, in µs.\n")
        print("| calls | wall | tool server | gateway | its share | per call |")
        print("|---|---|---|---|---|---|")
        for variant in VARIANTS:
            rows = [row for row in self.rows if row["variant"] == variant]
            cells, medians = [], {}
            for share in ("wall", "tools", "gateway"):
                values = sorted(row[share] for row in rows)
                medians[share] = statistics.median(values)
                cells.append(f"{medians[share] / 1000:.2f} ({values[int(len(values) * 0.99)] / 1000:.2f})")
            print(f"| {variant} | {' | '.join(cells)} | {100 * medians['gateway'] / medians['wall']:.0f} % | "
                  f"{medians['gateway'] / (ROUNDS * CALLS):.0f} |")

    def failures(self):
        return []  # the first one ends the run


if __name__ == "__main__":
    hot_path.main(AgentBench, "agent", __doc__.split("\n")[0])
