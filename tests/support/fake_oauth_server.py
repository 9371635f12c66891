#!/usr/bin/env python3
"""A small MCP server (protocol 2025-11-25, at /mcp) that wants OAuth 2.1, and its authorization server, in one process for tests. The
authorization server is strict: PKCE with S256, exact redirect URIs, the resource in every request, codes good once, refresh tokens
rotated (one used twice ends them all). Its page at /authorize agrees at once. The first line of output is the port.

Tools: echo {text}; write {}, which takes the scope "write" besides "read". GET /journal lists what it was asked: ["mcp", JSON-RPC
method, access token], ["token", grant type, its answer's status], ["authorize", scope], ["register", application type].
POST /control changes it: {"expires_in": seconds of tokens from now on, "forget_access": true (all access tokens are refused from now
on), "forget_all": true (refresh tokens too), "issuer_in_answer": another iss than its own}."""
import argparse
import base64
import hashlib
import json
import secrets
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLIENTS = {"by-hand": {"secret": "by-hand-secret", "redirect_uris": []}}
TOOLS = [{"name": "echo", "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}},
         {"name": "write", "inputSchema": {"type": "object"}}]
CODE_SECONDS = 60


class State:
    def __init__(self):
        self.lock = threading.Lock()
        self.journal = []
        self.codes, self.access, self.refresh = {}, {}, {}
        self.used_refresh = set()
        self.control = {"expires_in": 3600, "issuer_in_answer": None}

    def grant(self, client_id, scope, may_refresh):
        access = "access-" + secrets.token_urlsafe(24)
        self.access[access] = {"scope": scope, "until": time.monotonic() + self.control["expires_in"]}
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": self.control["expires_in"], "scope": scope}
        if may_refresh:
            refresh = "refresh-" + secrets.token_urlsafe(24)
            self.refresh[refresh] = {"client_id": client_id, "scope": scope}
            answer["refresh_token"] = refresh
        return answer


STATE = State()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self, status, value=None, headers=()):
        data = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        if value is not None:
            self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    # --- what a browser or a client reads -----------------------------------------------------------------------------
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/.well-known/oauth-protected-resource/mcp":
            self.answer(200, {"resource": self.base + "/mcp", "authorization_servers": [self.base], "scopes_supported": ["read"]})
        elif url.path == "/.well-known/oauth-authorization-server":
            self.answer(200, {
                "issuer": self.base, "authorization_endpoint": self.base + "/authorize", "token_endpoint": self.base + "/token",
                "registration_endpoint": self.base + "/register", "code_challenge_methods_supported": ["S256"],
                "response_types_supported": ["code"], "scopes_supported": ["read", "write", "offline_access"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
                "authorization_response_iss_parameter_supported": True})
        elif url.path == "/authorize":
            self.authorize(dict(urllib.parse.parse_qsl(url.query)))
        elif url.path == "/journal":
            self.answer(200, STATE.journal)
        else:
            self.answer(405 if url.path == "/mcp" else 404)

    def authorize(self, asked):
        client = CLIENTS.get(asked.get("client_id"))
        sound = (client and (asked["redirect_uri"] in client["redirect_uris"] or not client["redirect_uris"])
                 and asked.get("response_type") == "code" and asked.get("code_challenge_method") == "S256"
                 and asked.get("resource") == self.base + "/mcp" and asked.get("state"))
        if not sound:
            return self.answer(400, {"error": "invalid_request"})
        code = "code-" + secrets.token_urlsafe(16)
        with STATE.lock:
            STATE.journal.append(["authorize", asked.get("scope", "")])
            STATE.codes[code] = {**asked, "until": time.monotonic() + CODE_SECONDS}
            issuer = STATE.control["issuer_in_answer"] or self.base
        query = urllib.parse.urlencode({"code": code, "state": asked["state"], "iss": issuer})
        self.answer(302, None, [("location", f"{asked['redirect_uri']}?{query}")])

    # --- what clients send --------------------------------------------------------------------------------------------
    def do_POST(self):
        body = self.body()
        if self.path == "/mcp":
            return self.mcp(json.loads(body))
        with STATE.lock:
            if self.path == "/register":
                self.register(json.loads(body))
            elif self.path == "/token":
                form = dict(urllib.parse.parse_qsl(body.decode()))
                status, value = self.token(form)
                STATE.journal.append(["token", form.get("grant_type"), status])
                self.answer(status, value)
            elif self.path == "/control":
                self.change(json.loads(body))
            else:
                self.answer(404)

    def do_DELETE(self):
        self.answer(405)

    def change(self, wanted):
        STATE.control.update({name: wanted[name] for name in STATE.control if name in wanted})
        if wanted.get("forget_access") or wanted.get("forget_all"):
            STATE.access.clear()
        if wanted.get("forget_all"):
            STATE.refresh.clear()
        self.answer(200, {})

    def register(self, wanted):
        client_id = "client-" + secrets.token_hex(8)
        CLIENTS[client_id] = {"secret": None, "redirect_uris": wanted["redirect_uris"]}
        STATE.journal.append(["register", wanted.get("application_type")])
        self.answer(201, {"client_id": client_id, "redirect_uris": wanted["redirect_uris"], "token_endpoint_auth_method": "none"})

    def client_of(self, form):
        """The id of the client that proved who it is, or None."""
        authorization = self.headers.get("authorization", "")
        if authorization.startswith("Basic "):
            client_id, _, secret = base64.b64decode(authorization[6:]).decode().partition(":")
            client_id, secret = urllib.parse.unquote(client_id), urllib.parse.unquote(secret)
        else:
            client_id, secret = form.get("client_id"), None
        client = CLIENTS.get(client_id)
        return client_id if client and client["secret"] == secret else None

    def token(self, form):
        client_id = self.client_of(form)
        if not client_id:
            return 401, {"error": "invalid_client"}
        if form.get("resource") != self.base + "/mcp":
            return 400, {"error": "invalid_target"}
        if form["grant_type"] == "client_credentials":
            return 200, STATE.grant(client_id, form.get("scope", "read"), may_refresh=False)
        if form["grant_type"] == "authorization_code":
            code = STATE.codes.pop(form.get("code"), None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
            sound = (code and code["until"] > time.monotonic() and code["client_id"] == client_id
                     and code["redirect_uri"] == form.get("redirect_uri") and code["code_challenge"] == challenge)
            return (200, STATE.grant(client_id, code.get("scope", ""), may_refresh=True)) if sound else (400, {"error": "invalid_grant"})
        if form["grant_type"] == "refresh_token":
            return self.renewed(client_id, form.get("refresh_token"))
        return 400, {"error": "unsupported_grant_type"}

    def renewed(self, client_id, refresh):
        if refresh in STATE.used_refresh:  # stolen, or used by two
            STATE.refresh.clear()
            STATE.access.clear()
        kept = STATE.refresh.pop(refresh, None)
        if not kept or kept["client_id"] != client_id:
            return 400, {"error": "invalid_grant"}
        STATE.used_refresh.add(refresh)
        return 200, STATE.grant(client_id, kept["scope"], may_refresh=True)

    # --- the MCP server -----------------------------------------------------------------------------------------------
    def challenge(self, status, more):
        text = f'Bearer resource_metadata="{self.base}/.well-known/oauth-protected-resource/mcp", {more}'
        self.answer(status, {"error": "see WWW-Authenticate"}, [("www-authenticate", text)])

    def mcp(self, message):
        method = message.get("method", "")
        authorization = self.headers.get("authorization", "")
        token = authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else None
        name = message.get("params", {}).get("name")
        with STATE.lock:
            STATE.journal.append(["mcp", f"{method} {name}" if name else method, token])
            known = STATE.access.get(token)
        if not known or known["until"] < time.monotonic():
            return self.challenge(401, 'scope="read"')
        if name == "write" and "write" not in known["scope"].split():
            return self.challenge(403, 'error="insufficient_scope", scope="write"')
        if "id" not in message:
            return self.answer(202)
        if method == "initialize":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "fake", "version": "1"}}
        elif method == "tools/list":
            result = {"tools": TOOLS}
        elif method == "tools/call":
            result = {"content": [{"type": "text", "text": message["params"].get("arguments", {}).get("text", "written")}]}
        elif method == "ping":
            result = {}
        else:
            return self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "unknown method"}})
        self.answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result})


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
