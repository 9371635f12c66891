"""Bad input from outside: each gets a typed error that says what to do, and the service stays well."""

import json
import os
import socket
import tempfile
import time
import unittest

from case import PRESET, StackClass, StackTest

CHAT = "/v1/chat/completions"
EXECUTE = "/v1/mcp/tool/execute"
GOOD = {"model": "demo/assistant", "messages": [{"role": "user", "content": "Hello"}]}

# name, path, body bytes, status, what the message must name
BODIES = [
    ("malformed JSON", CHAT, b'{"model": "demo/assistant", ', 400, "JSON"),
    ("trailing garbage", CHAT, json.dumps(GOOD).encode() + b" x", 400, "JSON"),
    ("not an object", CHAT, b"[1,2]", 400, "object"),
    ("duplicate key", CHAT, b'{"model":"demo/assistant","model":"demo/assistant","messages":[]}', 400, "model"),
    ("escaped duplicate key", CHAT, b'{"model":"demo/assistant","mod\\u0065l":"x/y","messages":[]}', 400, "model"),
    ("invalid UTF-8", CHAT, b'{"model":"demo/assistant","messages":[{"role":"user","content":"\xff\xfe"}]}', 400, ""),
    ("nesting too deep", CHAT, b'{"model":"demo/assistant","messages":' + b"[" * 2000 + b"]" * 2000 + b"}", 400, ""),
    ("model missing", CHAT, json.dumps({"messages": GOOD["messages"]}).encode(), 400, "model"),
    ("model of a wrong type", CHAT, json.dumps(dict(GOOD, model=7)).encode(), 400, "model"),
    ("messages of a wrong type", CHAT, json.dumps(dict(GOOD, messages="hi")).encode(), 400, "messages"),
    ("stream of a wrong type", CHAT, json.dumps(dict(GOOD, stream="yes")).encode(), 400, "stream"),
    ("tools of a wrong type", CHAT, json.dumps(dict(GOOD, tools={})).encode(), 400, "tools"),
    ("unknown provider", CHAT, json.dumps(dict(GOOD, model="nobody/x")).encode(), 404, "model"),
    ("unknown model", CHAT, json.dumps(dict(GOOD, model="demo/nothing")).encode(), 404, "model"),
    ("tool name missing", EXECUTE, b'{"id":"a","type":"function","function":{"arguments":"{}"}}', 400, "name"),
    ("unknown tool", EXECUTE, b'{"id":"a","type":"function","function":{"name":"filesystem-read_txt_file","arguments":"{}"}}',
     404, "filesystem-read_text_file"),
    ("arguments not JSON", EXECUTE,
     b'{"id":"a","type":"function","function":{"name":"everything-echo","arguments":"{nope"}}', 400, "arguments"),
    ("arguments with a duplicate key", EXECUTE,
     b'{"id":"a","type":"function","function":{"name":"everything-echo","arguments":"{\\"message\\":1,\\"message\\":2}"}}',
     400, "message"),
    ("arguments against the schema", EXECUTE,
     b'{"id":"a","type":"function","function":{"name":"everything-echo","arguments":"{\\"message\\":{}}"}}', 400, "message"),
]


class BadInput(StackTest):
    def assert_openai_error(self, text, words, name):
        error = json.loads(text)["error"]
        for member in ("message", "type", "param", "code"):
            self.assertIn(member, error, name)
        self.assertIn(words.lower(), json.dumps(error).lower(), name)
        self.assertGreater(len(error["message"]), 10, name)

    def assert_well(self):
        status, _, text = self.stack.request("POST", CHAT, GOOD)
        self.assertEqual(status, 200, text)

    def test_bodies(self):
        for name, path, body, expected, words in BODIES:
            with self.subTest(name):
                status, headers, text = self.stack.request("POST", path, body)
                self.assertEqual(status, expected, f"{name}: {text}")
                self.assertTrue(headers["x-request-id"])
                self.assert_openai_error(text, words, name)
        self.assert_well()

    def test_credentials(self):
        for key in ("sk-sl-wrong", "x" * 5000):
            status, _, text = self.stack.request("POST", CHAT, GOOD, key=key)
            self.assertIn(status, (401, 431), text)
        status, _, text = self.stack.request("POST", CHAT, GOOD, headers={"Authorization": "Basic abc"})
        self.assertEqual(status, 401, text)
        self.assert_openai_error(text, "key", "basic")

    def test_methods_types_and_sizes(self):
        self.assertEqual(self.stack.request("GET", CHAT)[0], 405)
        self.assertEqual(self.stack.request("POST", "/v1/nothing", GOOD)[0], 404)
        self.assertEqual(self.stack.request("POST", CHAT, GOOD, headers={"Content-Type": "text/plain"})[0], 415)
        status, _, text = self.stack.request("POST", CHAT, b" " * (8 << 20))
        self.assertEqual(status, 413)
        self.assert_openai_error(text, "bytes", "too large")
        self.assert_well()

    def raw(self, data, wait=3.0):
        port = self.stack.ports("ingress")["http"]
        with socket.create_connection(("127.0.0.1", port), timeout=wait) as connection:
            connection.sendall(data)
            received = b""
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except (TimeoutError, ConnectionResetError):
                pass
            return received

    def test_ambiguous_framing_is_refused_and_the_connection_closed(self):
        head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n".encode()
        for name, rest in [
            ("both lengths", b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            ("two lengths", b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
            ("signed length", b"Content-Length: +2\r\n\r\n{}"),
            ("obsolete folding", b"X-A: 1\r\n folded\r\nContent-Length: 2\r\n\r\n{}"),
            ("space before colon", b"Content-Length : 2\r\n\r\n{}"),
        ]:
            with self.subTest(name):
                answer = self.raw(head + rest)
                self.assertIn(b"400", answer.split(b"\r\n")[0], name)
                self.assertEqual(answer.count(b"HTTP/1.1 "), 1, name)
        self.assert_well()

    def test_half_open_and_slow_connections_do_not_hold_anything_up(self):
        port = self.stack.ports("ingress")["http"]
        held = []
        for i in range(200):
            connection = socket.create_connection(("127.0.0.1", port), timeout=5)
            if i % 2:
                connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le")
            held.append(connection)
        start = time.monotonic()
        self.assert_well()
        self.assertLess(time.monotonic() - start, 2.0)
        for connection in held:
            connection.close()
        self.assert_well()


class WrongConfiguration(unittest.TestCase):
    """Each class of wrong configuration ends the service with code 2 and a message that lists every fault."""

    CASES = [
        ("ingress", {"http": {"port": "eighty"}}, ["http.port"]),
        ("ingress", {"http": {"prot": 8080}}, ["http.prot", "port"]),
        ("ingress", {"htpp": {}}, ["htpp"]),
        ("provider-router", {"providers": {"x": {"type": "telepathy"}}}, ["providers.x.type"]),
        ("provider-router", {"providers": {"x": {"type": "openai", "keys": [{"id": "a", "value": "env.SLUICE_TEST_UNSET"}]}}},
         ["SLUICE_TEST_UNSET"]),
        ("mcp-connector", {"mcp": {"client_configs": [{"name": "a b", "connection_type": "stdio",
                                                      "stdio_config": {"command": "x"}}]}}, ["client_configs[0]", "name"]),
        ("mcp-connector", {"mcp": {"client_configs": [{"name": "a", "connection_type": "pigeon"}]}},
         ["client_configs[0].connection_type"]),
        ("policy-engine", {"policy": {"preset": "yolo"}}, ["policy.preset", "manual"]),
        ("policy-engine", {"auth": {"keys": [{"id": "a", "sha256": "zz"}]}}, ["auth.keys[0].sha256"]),
        ("audit-writer", {"audit": {"outbox_directory": 7}}, ["audit.outbox_directory"]),
    ]

    stack = StackClass("unused", preset=PRESET)  # never started: its programs are enough

    def check(self, service, content, words):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write(content)
            file.flush()
            os.chmod(file.name, 0o644)
            code, output = self.stack.check_config(service, file.name)
        self.assertEqual(code, 2, output)
        for word in words:
            self.assertIn(word, output)

    def test_each_class_is_named(self):
        for service, config, words in self.CASES:
            with self.subTest(f"{service} {words[0]}"):
                self.check(service, json.dumps(config), words)

    def test_malformed_file(self):
        self.check("ingress", '{"http": {', ["line"])

    def test_all_faults_are_listed_at_once(self):
        self.check("ingress", json.dumps({"http": {"port": -1, "prot": 1}, "nonsense": {}}),
                   ["http.port", "http.prot", "nonsense"])


if __name__ == "__main__":
    unittest.main()
