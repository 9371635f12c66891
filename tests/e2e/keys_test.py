"""Virtual keys by API on two replicas of ingress and of policy-engine: what a made key reaches by tools, servers and models, that
headers only narrow it, that revoking it holds at every replica at once, and how the first admin key of a gateway comes about."""

import concurrent.futures
import datetime
import hashlib
import itertools
import json
import os
import random
import re
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from case import NODE, PRESET, ConfiguredStack, StackTest, stack_module

REPLICAS = {"ingress": 2, "policy-engine": 2}
TOLD_SECONDS_MAX = 1.0  # a beat to the other replicas; far below the 60 s of a cached token
READ, LIST = "read_text_file", "list_directory"
MANAGEMENT = [("GET", "/api/keys"), ("POST", "/api/keys"), ("GET", "/api/keys/local"), ("PUT", "/api/keys/local"),
              ("DELETE", "/api/keys/local"), ("GET", "/api/policy"), ("POST", "/api/policy/reload"),
              ("POST", "/api/policy/explain"), ("GET", "/api/mcp/clients"), ("POST", "/api/mcp/client"),
              ("PUT", "/api/mcp/client/x"), ("DELETE", "/api/mcp/client/x"), ("POST", "/api/mcp/client/x/reconnect")]


def ask(stack, index, method, path, body=None, key=None, headers=None):
    """(status, headers, JSON or text) of one replica of ingress."""
    data = None if body is None else json.dumps(body).encode()
    url = f"http://127.0.0.1:{stack.ports('ingress', index)['http']}{path}"
    sent = {"Authorization": f"Bearer {key or stack.key}", **({"Content-Type": "application/json"} if data else {}),
            **(headers or {})}
    request = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            status, head, text = response.status, response.headers, response.read().decode()
    except urllib.error.HTTPError as error:
        status, head, text = error.code, error.headers, error.read().decode()
    try:
        return status, head, json.loads(text)
    except ValueError:
        return status, head, text


class Keys(StackTest):
    replicas = REPLICAS

    @classmethod
    def configure(cls, config):
        filesystem, everything = config["mcp"]["client_configs"]
        filesystem["tools_to_auto_execute"] = [READ]
        everything["is_code_mode_client"] = True
        everything["tools_to_auto_execute"] = ["echo", "get-sum"]

    def ask(self, index, method, path, body=None, **options):
        """Management is tried again while a replica of policy-engine has not taken over the change before: that is a 503."""
        deadline = time.monotonic() + TOLD_SECONDS_MAX
        while True:
            answer = ask(self.stack, index, method, path, body, **options)
            if answer[0] != 503 or not path.startswith("/api/keys") or time.monotonic() > deadline:
                return answer
            time.sleep(0.02)

    def make(self, **members):
        """(id, text) of a new key."""
        status, headers, made = self.ask(0, "POST", "/api/keys", members)
        self.assertEqual(status, 201, made)
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertRegex(made["key"], "^sk-sl-[A-Za-z0-9_-]{43}$")
        return made["id"], made["key"]

    def execute(self, key, tool, arguments, index=0, headers=None):
        call = {"type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}}
        return self.ask(index, "POST", "/v1/mcp/tool/execute", call, key=key, headers=headers)

    def read(self, key, index=0, headers=None):
        return self.execute(key, f"filesystem-{READ}", {"path": str(self.stack.demo_folder / "hello.txt")}, index, headers)[0]

    def listing(self, key, headers=None):
        """Names in tools/list of a modern client at /mcp."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "keys_test", "version": "1"}}}
        accept = {"Accept": "application/json, text/event-stream", **(headers or {})}
        status, head, answer = self.ask(0, "POST", "/mcp", body, key=key, headers=accept)
        self.assertEqual(status, 200, answer)
        accept.update({"Mcp-Session-Id": head["mcp-session-id"], "MCP-Protocol-Version": "2025-06-18"})
        status, _, answer = self.ask(0, "POST", "/mcp", {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}, key=key, headers=accept)
        self.assertEqual(status, 200, answer)
        return {tool["name"] for tool in answer["result"]["tools"]}

    def chat(self, key, content, index=0, headers=None, **options):
        body = {"model": "demo/assistant", "messages": [{"role": "user", "content": content}], **options}
        return self.ask(index, "POST", "/v1/chat/completions", body, key=key, headers=headers)

    def test_a_made_key_serves_the_official_client(self):
        _, key = self.make(agent="client")
        env = dict(os.environ, SLUICE_URL=self.stack.url, SLUICE_KEY=key,
                   SLUICE_DEMO_FILE=str(self.stack.demo_folder / "hello.txt"),
                   SLUICE_DEMO_TEXT=(self.stack.demo_folder / "hello.txt").read_text().strip())
        script = """
            import OpenAI from 'openai';
            const client = new OpenAI({ baseURL: `${process.env.SLUICE_URL}/v1`, apiKey: process.env.SLUICE_KEY, maxRetries: 0 });
            const answer = await client.chat.completions.create({
              model: 'demo/assistant', messages: [{ role: 'user', content: 'Hello there' }] });
            const models = [];
            for await (const model of client.models.list()) models.push(model.id);
            console.log(JSON.stringify([answer.object, models]));"""
        done = subprocess.run([str(NODE), "--input-type=module", "-e", script], cwd=stack_module.ROOT / "tests/e2e", env=env,
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)[0], "chat.completion")
        self.assertIn("demo/assistant", json.loads(done.stdout)[1])

    def test_a_key_reaches_what_it_names_and_headers_only_narrow_it(self):
        _, key = self.make(tools=[f"filesystem-{READ}"])
        widening = {"x-sluice-include-tools": "*", "x-sluice-include-servers": "*"}

        self.assertEqual(self.read(key), 200)
        self.assertEqual(self.listing(key), {f"filesystem-{READ}"})
        self.assertEqual(self.listing(key, widening), {f"filesystem-{READ}"})
        for headers in (None, widening):
            status, _, answer = self.execute(key, "filesystem-write_file",
                                             {"path": str(self.stack.demo_folder / "never.txt"), "content": "x"}, headers=headers)
            self.assertIn(status, (403, 404), answer)
        self.assertFalse((self.stack.demo_folder / "never.txt").exists())
        for narrowed in ({"x-sluice-include-servers": "everything"}, {"x-sluice-include-tools": f"filesystem-{LIST}"},
                         {"x-sluice-include-tools": ""}):
            self.assertEqual(self.read(key, headers=narrowed), 403, narrowed)
            self.assertEqual(self.listing(key, narrowed), set(), narrowed)

    def test_what_is_left_is_what_key_and_headers_both_name(self):
        """Random keys and headers; what must be left is worked out here, from the names alone."""
        rng = random.Random(20261129)
        names = [("filesystem", READ), ("filesystem", LIST), ("filesystem", "write_file"), ("filesystem", "get_file_info")]
        everything = self.listing(self.stack.key)
        tool_entries = [f"{s}-{t}" for s, t in names] + ["filesystem-*", "*", "everything-*", "filesystem"]
        server_entries = ["filesystem", "everything", "*", "nowhere"]

        def some(entries):
            return rng.choice([None, rng.sample(entries, rng.randint(0, 3))])

        def passes(servers, tools, server, tool):
            by_server = servers is None or "*" in servers or server in servers
            return by_server and (tools is None or bool({"*", f"{server}-*", f"{server}-{tool}"} & set(tools)))

        left = narrowed = 0
        for _ in range(12):
            key_servers, key_tools = some(server_entries), some(tool_entries)
            identifier, key = self.make(servers=key_servers, tools=key_tools)
            for _ in range(3):
                servers, tools = some(server_entries), some(tool_entries)
                headers = {name: ",".join(value) for name, value in
                           (("x-sluice-include-servers", servers), ("x-sluice-include-tools", tools)) if value is not None}
                listed = self.listing(key, headers)
                for server, tool in names:
                    expected = passes(key_servers, key_tools, server, tool) and passes(servers, tools, server, tool)
                    self.assertEqual(f"{server}-{tool}" in listed, expected, (key_servers, key_tools, headers, tool))
                    left += expected
                    narrowed += passes(key_servers, key_tools, server, tool) and not expected
                self.assertLessEqual(listed - {"listToolFiles", "readToolFile", "executeToolCode"}, everything)
                expected = passes(key_servers, key_tools, "filesystem", READ) and passes(servers, tools, "filesystem", READ)
                self.assertEqual(self.read(key, headers=headers) == 200, expected, (key_servers, key_tools, headers))
            self.ask(0, "DELETE", f"/api/keys/{identifier}")
        self.assertGreater(left, 5, "the lists allow something now and then")
        self.assertGreater(narrowed, 5, "a gateway that ignored the headers would be found out")

    def test_a_script_and_an_agent_stay_within_the_headers(self):
        _, key = self.make()
        script = {"code": "return await everything.echo({message: 'x'});"}

        status, headers, answer = self.execute(key, "executeToolCode", script)
        self.assertEqual((status, headers["x-sluice-outcome"]), (200, "ok"), answer)
        for narrowed in ({"x-sluice-include-tools": "everything-get-sum"}, {"x-sluice-include-servers": "filesystem"}):
            status, headers, answer = self.execute(key, "executeToolCode", script, headers=narrowed)
            self.assertFalse(status == 200 and headers["x-sluice-outcome"] == "ok", answer)
        content = f"Read {self.stack.demo_folder / 'hello.txt'}"
        status, _, answer = self.chat(key, content)
        self.assertEqual(status, 200, answer)
        self.assertIn("tool", [m["role"] for m in answer["sluice"]["transcript"]], "the agent reads without the header")
        status, _, answer = self.chat(key, content, headers={"x-sluice-include-tools": f"filesystem-{LIST}"})
        self.assertEqual(status, 200, answer)
        called = [call["function"]["name"] for m in answer.get("sluice", {}).get("transcript", []) for call in m.get("tool_calls", [])]
        self.assertNotIn(f"filesystem-{READ}", called)

    def test_models_of_key_and_header(self):
        _, every = self.make()
        _, demo = self.make(models=["demo/*"])
        _, other = self.make(models=["openai/*"])
        _, none = self.make(models=[])
        leaving_out = {"x-sluice-include-models": "openai/gpt-5"}

        for key, headers, allowed in ((every, None, True), (demo, None, True), (other, None, False), (none, None, False),
                                      (every, leaving_out, False), (demo, {"x-sluice-include-models": "demo/assistant"}, True),
                                      (other, {"x-sluice-include-models": "*"}, False)):
            with self.subTest(headers=headers, allowed=allowed):
                for stream in (False, True):
                    status, _, answer = self.chat(key, "Hello there", headers=headers, stream=stream)
                    self.assertEqual(status, 200 if allowed else 403, answer)
                    if not allowed:
                        self.assertEqual(answer["error"]["type"], "permission_error", answer)
                status, _, models = self.ask(0, "GET", "/v1/models", key=key, headers=headers)
                self.assertEqual("demo/assistant" in [m["id"] for m in models["data"]], allowed)
                status, _, answer = self.ask(0, "POST", "/v1/embeddings", {"model": "demo/assistant", "input": "x"}, key=key,
                                             headers=headers)
                self.assertEqual(status == 403, not allowed, answer)

    def test_revoking_holds_at_every_replica_at_once(self):
        identifier, key = self.make()
        for index in (0, 1):
            self.assertEqual(self.read(key, index), 200)
            self.assertEqual(self.chat(key, "Hello there", index)[0], 200)

        status, _, revoked = self.ask(0, "DELETE", f"/api/keys/{identifier}")
        began = time.monotonic()
        self.assertEqual((status, revoked["revoked"]), (200, True))
        for index in (0, 1):
            while self.chat(key, "Hello there", index)[0] != 401:
                self.assertLess(time.monotonic() - began, TOLD_SECONDS_MAX)
        print(f"refused at both replicas {time.monotonic() - began:.3f} s after the answer")
        for _, index in itertools.product(range(10), (0, 1)):
            self.assertEqual(self.chat(key, "Hello there", index)[0], 401)
            self.assertEqual(self.read(key, index), 401)
        self.assertEqual(self.ask(1, "POST", "/api/keys", {"id": identifier})[0], 409)
        rows = self.wait_for_rows(f"select action, principal from audit.records where detail = 'key {identifier}' order by event_id", 2)
        self.assertEqual(rows, [["key.created", "key:local"], ["key.revoked", "key:local"]])

    def test_an_update_holds_at_every_replica_and_other_callers_notice_nothing(self):
        identifier, key = self.make(tools=[f"filesystem-{LIST}"])
        self.assertEqual(self.read(key, 1), 403)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            stop = time.monotonic() + 3
            others = [pool.submit(lambda i=i: self.keep_asking(i, stop)) for i in (0, 1)]
            status, _, answer = self.ask(0, "PUT", f"/api/keys/{identifier}", {"tools": [f"filesystem-{READ}"]})
            self.assertEqual(status, 200, answer)
            began = time.monotonic()
            while self.read(key, 1) != 200:
                self.assertLess(time.monotonic() - began, TOLD_SECONDS_MAX)
            for other in others:
                self.assertEqual(set(other.result()), {200})

    def keep_asking(self, index, stop):
        statuses = []
        while time.monotonic() < stop:
            statuses.append(self.chat(self.stack.key, "Hello there", index)[0])
        return statuses

    def test_a_key_ends_at_its_time(self):
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
        _, key = self.make(expires_at=ends.isoformat())
        for index in (0, 1):
            self.assertEqual(self.chat(key, "Hello there", index)[0], 200)

        time.sleep(max(0, (ends - datetime.datetime.now(datetime.timezone.utc)).total_seconds()) + 0.05)

        for index in (0, 1):
            self.assertEqual(self.chat(key, "Hello there", index)[0], 401)
            self.assertEqual(self.read(key, index), 401)

    def test_callers_manage_nothing(self):
        _, key = self.make(roles=["caller", "approver"])
        for method, path in MANAGEMENT:
            body = {} if method in ("POST", "PUT") else None
            status, _, answer = self.ask(1, method, path, body, key=key, headers={"x-sluice-include-tools": "*"})
            self.assertEqual(status, 403, (method, path, answer))
        self.assertEqual(self.ask(0, "POST", "/api/setup", key=key)[0], 401)

    def test_keys_of_the_file_are_shown_and_read_only_and_texts_are_kept_nowhere(self):
        identifier, key = self.make(agent="x")
        status, _, listed = self.ask(1, "GET", "/api/keys")
        self.assertEqual(status, 200)
        shown = {one["id"]: one for one in listed["keys"]}
        self.assertTrue(shown["local"]["from_file"])
        self.assertEqual((shown[identifier]["created_by"], shown[identifier]["tools"]), ("key:local", None))
        self.assertEqual(self.ask(0, "DELETE", "/api/keys/local")[0], 409)
        self.assertEqual(self.ask(0, "PUT", "/api/keys/local", {"roles": ["admin"]})[0], 409)
        self.assertEqual(self.ask(0, "GET", "/api/keys/nobody")[0], 404)
        self.assertEqual(self.ask(0, "POST", "/api/keys", {"rolls": ["admin"]})[0], 400)
        self.assertNotIn(key, json.dumps(listed))
        rows = self.stack.sql(f"select encode(sha256, 'hex') from policy.keys where id = '{identifier}'")
        self.assertEqual(rows, [[hashlib.sha256(key.encode()).hexdigest()]])
        for log in (self.folder / "logs").glob("*.log"):
            self.assertNotIn(key, log.read_text(errors="replace"), log)


class SetupStack(ConfiguredStack):
    def default_config(self):
        config = super().default_config()
        config["auth"]["keys"][0]["roles"] = ["caller"]
        config["mcp"] = {"client_configs": []}
        return config

    def wait_servers(self, seconds=0):
        """There are none, and nobody who may list them."""


class Setup(unittest.TestCase):
    def test_one_token_is_printed_and_makes_the_first_admin_key_once(self):
        parent = stack_module.ROOT / "build" / PRESET / "e2e"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="setup-", dir=parent) as folder:
            Path(folder).chmod(0o755)
            with SetupStack(folder, preset=PRESET, replicas={**REPLICAS, stack_module.RUNNER: 0}) as stack:
                self.set_up(stack)

    def printed(self, stack):
        """The setup tokens in the logs of all services, each once for each line that holds it."""
        texts = [log.read_text(errors="replace") for log in (stack.folder / "logs").glob("*.log")]
        return [re.search("sst-[A-Za-z0-9_-]{43}", line)[0] for text in texts for line in text.splitlines()
                if re.search("sst-[A-Za-z0-9_-]{43}", line)]

    def set_up(self, stack):
        tokens = self.printed(stack)
        self.assertEqual(len(tokens), 1, tokens)
        for method, path in MANAGEMENT:
            body = {} if method in ("POST", "PUT") else None
            self.assertEqual(ask(stack, 0, method, path, body)[0], 403, (method, path))
        self.assertEqual(ask(stack, 0, "POST", "/api/setup", key="sst-" + "x" * 43)[0], 401)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda i: ask(stack, i % 2, "POST", "/api/setup", key=tokens[0]), range(4)))

        codes = sorted(a[0] for a in answers)
        self.assertEqual(codes[0], 201, answers)
        self.assertLessEqual(set(codes[1:]), {409, 503}, "used up, or a replica that has not taken over the key yet")
        made = next(a[2] for a in answers if a[0] == 201)
        self.assertEqual((made["created_by"], sorted(made["roles"])), ("setup", ["admin", "caller"]))
        began = time.monotonic()
        for index in (0, 1):
            while ask(stack, index, "GET", "/api/keys", key=made["key"])[0] != 200:
                self.assertLess(time.monotonic() - began, TOLD_SECONDS_MAX + 1)
        self.assertEqual(ask(stack, 1, "DELETE", f"/api/keys/{made['id']}", key=made["key"])[0], 409, "the last admin stays")
        time.sleep(1.1)
        self.assertEqual(ask(stack, 0, "POST", "/api/setup", key=tokens[0])[0], 409)
        for index in (0, 1):
            stack.services["policy-engine"][index].stop()
            stack.restart_service("policy-engine", index)
            stack.wait_ready("policy-engine", index)
        self.assertEqual(self.printed(stack), tokens, "it is printed once")
        self.assertEqual(ask(stack, 1, "GET", "/api/keys", key=made["key"])[0], 200)


if __name__ == "__main__":
    unittest.main()
