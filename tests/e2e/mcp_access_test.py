"""How clients come to /mcp besides with a virtual key: access tokens of an authorization server, virtual servers at paths of their
own, and the legacy transport at /sse. The clients are in mcp_access.test.mjs; here is what they cannot see."""

import http.client
import json
import os
import subprocess
import sys
import unittest
import urllib.request

from case import NODE, StackTest, stack_module

TESTS = stack_module.ROOT / "tests/e2e"
FAKE = stack_module.ROOT / "tests/support/fake_http_mcp_server.py"
CLIENT_SECONDS_MAX = 120
TEST_SECONDS_MAX = 40
FOREIGN = "rebound.example"


class McpAccess(StackTest):
    @classmethod
    def configure(cls, config):
        config["http"].update({"port": cls.port, "public_url": cls.url, "legacy_sse": True})
        config["auth"]["jwt"] = [{"id": "login", "issuer": cls.issuer, "audience": f"{cls.url}/mcp", "tenant": "default",
                                  "allowed_private_networks": ["127.0.0.0/8"]}]
        config["mcp"]["client_configs"].append({
            "name": "web", "connection_type": "http", "connection_string": f"{cls.web_url}/mcp",
            "allowed_private_networks": ["127.0.0.0/8"], "tools_to_execute": ["*"]})
        config["mcp"]["virtual_servers"] = [
            {"slug": "dev", "servers": ["everything"], "tools": ["everything-echo", "filesystem-*"], "description": "Development"},
            {"slug": "files", "servers": ["filesystem"]}]

    @classmethod
    def setUpClass(cls):
        cls.port = stack_module.free_port()
        cls.url = f"http://127.0.0.1:{cls.port}"
        cls.issuer = f"http://127.0.0.1:{stack_module.free_port()}"
        cls.web = subprocess.Popen([sys.executable, str(FAKE)], text=True, stdout=subprocess.PIPE)
        cls.web_url = f"http://127.0.0.1:{int(cls.web.stdout.readline())}"
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_web()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stop_web()
        super().tearDownClass()

    @classmethod
    def stop_web(cls):
        cls.web.kill()
        cls.web.wait(10)
        cls.web.stdout.close()

    def ask(self, method, path, host=None, **headers):
        """Status, headers in lower case and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.port}")
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if method == "POST":
                connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", "2")
            connection.endheaders()
            if method == "POST":
                connection.send(b"{}")
            response = connection.getresponse()
            event_stream = response.getheader("Content-Type", "").startswith("text/event-stream")
            return response.status, {k.lower(): v for k, v in response.getheaders()}, b"" if event_stream else response.read()
        finally:
            connection.close()

    def test_clients(self):
        env = dict(os.environ, SLUICE_URL=self.url, SLUICE_KEY=self.stack.key, ISSUER=self.issuer,
                   SLUICE_DEMO_FOLDER=str(self.stack.demo_folder))
        done = subprocess.run([str(NODE), "--test", "--test-reporter=spec", f"--test-timeout={TEST_SECONDS_MAX * 1000}",
                               str(TESTS / "mcp_access.test.mjs")], cwd=TESTS, env=env, capture_output=True, text=True,
                              timeout=CLIENT_SECONDS_MAX)
        print(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

        # Nothing of what the clients proved themselves with has reached a server.
        with urllib.request.urlopen(f"{self.web_url}/journal", timeout=10) as response:
            journal = json.load(response)
        calls = [headers for _, method, headers in journal if method == "tools/call"]
        self.assertGreaterEqual(len(calls), 2)
        for _, _, headers in journal:
            self.assertNotIn("authorization", headers)
            self.assertNotIn("eyJ", json.dumps(headers))
            self.assertNotIn(self.stack.key, json.dumps(headers))
        rows = self.wait_for_rows("select distinct principal, key_id from audit.records where principal like 'jwt:%'", 1)
        self.assertEqual([list(row) for row in rows], [["jwt:login:ada", "jwt:login"]])

    def test_metadata_need_no_key(self):
        for path, name in (("", None), ("/mcp", None), ("/mcp/dev", "Development")):
            status, _, body = self.ask("GET", "/.well-known/oauth-protected-resource" + path)
            self.assertEqual(status, 200)
            metadata = json.loads(body)
            self.assertEqual(metadata.pop("resource_name", None), name)
            self.assertEqual(metadata, {"resource": f"{self.url}/mcp", "authorization_servers": [self.issuer],
                                        "scopes_supported": ["sluice:use", "sluice:admin"],
                                        "bearer_methods_supported": ["header"]})
        self.assertEqual(self.ask("GET", "/.well-known/oauth-protected-resource/mcp/none")[0], 404)

    def test_a_refused_client_is_told_where_to_go(self):
        for method, path in (("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("POST", "/mcp/dev"), ("GET", "/sse")):
            status, headers, _ = self.ask(method, path)
            self.assertEqual(status, 401, f"{method} {path}")
            at = path if path.startswith("/mcp") else "/mcp"
            self.assertEqual(headers["www-authenticate"],
                             f'Bearer resource_metadata="{self.url}/.well-known/oauth-protected-resource{at}", scope="sluice:use"')
        self.assertEqual(self.ask("POST", f"/mcp?access_token={self.stack.key}")[0], 401, "never from the query")

    def test_a_foreign_host_is_refused_everywhere(self):
        key = f"Bearer {self.stack.key}"
        for method, path in (("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("POST", "/mcp/dev"), ("GET", "/sse"),
                             ("POST", "/sse/message"), ("POST", "/v1/chat/completions"), ("GET", "/api/mcp/clients")):
            for host in (FOREIGN, f"{FOREIGN}:{self.port}", f"127.0.0.1.{FOREIGN}", "10.0.0.1"):
                self.assertEqual(self.ask(method, path, host=host, Authorization=key)[0], 403, f"{method} {path} {host}")
        for host in (f"localhost:{self.port}", f"LocalHost:{self.port}", f"[::1]:{self.port}", "127.0.0.1"):
            self.assertEqual(self.ask("GET", "/v1/models", host=host, Authorization=key)[0], 200, host)

    def test_a_foreign_origin_is_refused(self):
        key = f"Bearer {self.stack.key}"
        for method, path in (("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/sse"), ("POST", "/sse/message")):
            status, headers, _ = self.ask(method, path, Authorization=key, Origin=f"http://{FOREIGN}")
            self.assertEqual(status, 403, f"{method} {path}")
            self.assertNotIn("www-authenticate", headers)

    def test_unknown_virtual_servers_are_not_there(self):
        for path in ("/mcp/none", "/mcp/DEV", "/mcp/dev/x", "/mcp/"):
            self.assertEqual(self.ask("POST", path, Authorization=f"Bearer {self.stack.key}")[0], 404, path)


if __name__ == "__main__":
    unittest.main()
