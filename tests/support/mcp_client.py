"""One plain MCP client of the gateway's /mcp in either era, standard library only: what it lists and calls, byte by byte."""

import http.client
import json
import time
from urllib.parse import urlsplit

MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = "io.modelcontextprotocol/"
INFO = {"name": "plain", "version": "1"}
PAGES_MAX = 100


class McpClient:
    def __init__(self, url, key, modern=True, timeout=60):
        self.address, self.key, self.modern, self.timeout = urlsplit(url), key, modern, timeout
        self.session, self.count, self.connection = None, 0, None
        if not modern:
            self.request("initialize", {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": INFO})
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def close(self):
        if self.connection:
            self.connection.close()
            self.connection = None

    def send(self, message):
        """(status, body) of one POST."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json",
                   "Accept": "application/json, text/event-stream"}
        if self.modern:
            headers.update({"Mcp-Protocol-Version": MODERN, "Mcp-Method": message["method"]})
            if "name" in message["params"]:
                headers["Mcp-Name"] = message["params"]["name"]
        elif self.session:
            headers.update({"Mcp-Protocol-Version": LEGACY, "Mcp-Session-Id": self.session})
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=self.timeout)
        self.connection.request("POST", "/mcp", json.dumps(message).encode(), headers)
        answer = self.connection.getresponse()
        body = answer.read()
        self.session = answer.getheader("Mcp-Session-Id", self.session)
        return answer.status, answer.getheader("Content-Type", ""), body

    def request(self, method, params=None):
        """The result of a request, and the body it came in; an AssertionError when it is an error."""
        self.count += 1
        params = dict(params or {})
        if self.modern:
            params["_meta"] = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}, META + "clientInfo": INFO}
        status, kind, body = self.send({"jsonrpc": "2.0", "id": self.count, "method": method, "params": params})
        text = body.decode()
        if kind.startswith("text/event-stream"):
            text = next(line[5:] for line in reversed(text.splitlines()) if line.startswith("data:") and line[5:].strip())
        message = json.loads(text)
        assert status == 200 and "result" in message, (status, text[:500])
        return message["result"], body

    def list_tools(self):
        """Every tool, the seconds it took, and the answers' bytes without the ids of the requests."""
        tools, bodies, cursor, began = [], [], None, time.monotonic()
        for _ in range(PAGES_MAX):
            page, body = self.request("tools/list", {"cursor": cursor} if cursor else {})
            tools += page["tools"]
            bodies.append(body.replace(b'"id":%d' % self.count, b'"id":0', 1))
            cursor = page.get("nextCursor")
            if cursor is None:
                return tools, time.monotonic() - began, bodies
        raise AssertionError("tools/list does not come to an end")

    def call(self, name, **arguments):
        return self.request("tools/call", {"name": name, "arguments": arguments})[0]
