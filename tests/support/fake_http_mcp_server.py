#!/usr/bin/env python3
"""A small MCP server over HTTP for tests, with the bad manners seen in the field: Streamable HTTP (protocol 2025-11-25) at /mcp,
HTTP+SSE (2024-11-05) at /sse; at /mcp also the modern era (2026-07-28) where --era says so. Its first line of output is its port. GET /journal lists what it was sent: [method, JSON-RPC method
or "", headers], and ["CLOSED", "tools/call", {}] when the stream of hang was closed; GET /connections says how many TCP connections
there were.

Tools: echo {text}, headers {}, sleep {ms}, progress {steps}, break {} (the stream ends before the answer and goes on by GET),
cut {} (it ends for good), silent {} (202 and no answer), fail {status}, rpc_fail {status}, change {} (list_changed on the GET
stream), forget {} (the session is gone after it), large {bytes}; not listed: question {method} (asks the client that on the stream of the call
and answers with the answer), log {level}. With --tells the modern era tells of resources: each one that somebody listens to changes at
once.
"""
import argparse
import json
import queue
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fake_modern_era


def tool(name, properties):
    return {"name": name, "description": name,
            "inputSchema": {"type": "object", "properties": properties, "required": list(properties)}}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
TOOLS = [tool("echo", {"text": TEXT}), tool("headers", {}), tool("sleep", {"ms": NUMBER}), tool("progress", {"steps": NUMBER}),
         tool("break", {}), tool("cut", {}), tool("silent", {}), tool("fail", {"status": NUMBER}),
         tool("rpc_fail", {"status": NUMBER}), tool("change", {}), tool("forget", {}), tool("large", {"bytes": NUMBER})]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="answers are JSON bodies, not event streams")
    parser.add_argument("--stateless", action="store_true", help="names no session, takes any")
    parser.add_argument("--lost-status", type=int, default=404, help="of a request in a session that is gone")
    parser.add_argument("--no-get", action="store_true", help="405 to GET")
    parser.add_argument("--version", default="2025-11-25")
    parser.add_argument("--bad-session-id", action="store_true")
    parser.add_argument("--endpoint", default="/message", help="what GET /sse names, before ?session=")
    parser.add_argument("--refuse", type=int, default=0, help="status of every GET /sse")
    parser.add_argument("--only-sse", type=int, default=0, help="status of every POST to /mcp, whose GET is what /sse is")
    parser.add_argument("--prompts", action="store_true", help="has a prompt, and after change {} two; list_changed is theirs")
    parser.add_argument("--no-delete", action="store_true", help="405 to DELETE")
    parser.add_argument("--silent-get", action="store_true", help="200 to GET, and not a byte after the headers")
    parser.add_argument("--duplicates", action="store_true", help="lists its tools twice")
    fake_modern_era.add_options(parser)
    return parser.parse_args()


OPTIONS = options()
MODERN = fake_modern_era.ModernEra(OPTIONS)
SESSIONS = {}  # id -> queue of what goes out on the GET stream
PARTS = {}  # event id -> the message that follows it
JOURNAL = []
CONNECTIONS = []
CHANGED = threading.Event()
ANSWERS = {}  # id of a request of this server -> queue of what is answered


def result(request, value):
    return {"jsonrpc": "2.0", "id": request["id"], "result": value}


def text(value):
    return {"content": [{"type": "text", "text": value}]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        CONNECTIONS.append(self.client_address)

    def log_message(self, *_):
        pass

    # --- answers ------------------------------------------------------------------------------------------------------

    def whole(self, status, body=b"", kind="application/json", more=()):
        self.send_response(status)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin_events(self, more=()):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def event(self, message=None, identity=None, retry=None):
        lines = [f"id: {identity}"] if identity else []
        lines += [f"retry: {retry}"] if retry else []
        lines.append("data: " + (json.dumps(message) if message is not None else ""))
        self.chunk(("\n".join(lines) + "\n\n").encode())

    def end_events(self):
        self.wfile.write(b"0\r\n\r\n")

    def answer(self, message, more=()):
        if self.modern and "result" in message:
            message["result"].setdefault("resultType", "complete")
        if self.sse:
            self.sse.put(message)
        elif OPTIONS.json:
            self.whole(200, json.dumps(message).encode(), more=more)
        else:
            self.begin_events(more)
            self.event(identity=f"p-{message['id']}")  # the priming event
            self.event(message, identity=f"m-{message['id']}")
            time.sleep(0.01)  # the end of a stream comes after the answer, in a piece of its own
            self.end_events()

    # --- requests -----------------------------------------------------------------------------------------------------

    def note(self, method):
        JOURNAL.append([self.command, method, {k.lower(): v for k, v in self.headers.items()}])

    def session_is_known(self):
        return OPTIONS.stateless or self.headers.get("Mcp-Session-Id") in SESSIONS

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.note(message.get("method", ""))
        self.sse = SESSIONS.get(self.path.partition("?session=")[2]) if self.path.startswith(OPTIONS.endpoint) else None
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.modern = not self.path.startswith(OPTIONS.endpoint) and MODERN.speaks(message, headers)
        if self.path.startswith(OPTIONS.endpoint):
            self.post_of_sse(message)
        elif OPTIONS.only_sse:
            self.whole(OPTIONS.only_sse, b"<h1>no</h1>", "text/html")
        elif message.get("method") == "server/discover" and (self.modern or OPTIONS.discover):
            self.discover(message, headers)
        elif self.modern:
            self.post_of_modern(message, headers)
        elif message.get("method") == "initialize":
            self.initialize(message)
        elif not self.session_is_known():
            body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Bad Request: No valid session"}}
            self.whole(OPTIONS.lost_status, json.dumps(body).encode())
        elif "id" not in message or "method" not in message:
            if message.get("id") in ANSWERS:
                ANSWERS[message["id"]].put(message)
            self.whole(202)
        elif message["method"] == "tools/list":
            extra = [tool("added", {})] if CHANGED.is_set() else []
            self.answer(result(message, {"tools": (TOOLS + extra) * (2 if OPTIONS.duplicates else 1)}))
        elif message["method"] == "prompts/list":
            self.answer(result(message, {"prompts": [{"name": "one"}, {"name": "two"}][:2 if CHANGED.is_set() else 1]}))
        elif message["method"] == "tools/call":
            self.call(message, message["params"]["name"], message["params"].get("arguments", {}))
        else:
            self.answer(result(message, {}))

    def refuse(self, status, message, error):
        self.whole(status, json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode())

    def discover(self, message, headers):
        fault = MODERN.meta_fault(message) or MODERN.header_fault(message, headers)
        reply = (400, {"error": fault}) if fault else MODERN.discovered()
        while reply is None:
            time.sleep(1)
        identity = None if OPTIONS.discover == "refuse" else message["id"]
        self.whole(reply[0], json.dumps({"jsonrpc": "2.0", "id": identity, **reply[1]}).encode())

    def post_of_modern(self, message, headers):
        fault = MODERN.fault(message, headers)
        name = message.get("params", {}).get("name", "")
        if fault:
            self.refuse(400, message, fault)
        elif message["method"] == "tools/list":
            self.answer(result(message, {"tools": TOOLS + fake_modern_era.TOOLS}))
        elif message["method"] == "subscriptions/listen":
            self.listen(message)
        elif message["method"] != "tools/call":
            self.refuse(404, message, {"code": -32601, "message": "unknown method"})
        elif name == "hang":
            self.hang()
        elif MODERN.result_of(name, message["params"]):
            self.answer(result(message, MODERN.result_of(name, message["params"])))
        else:
            self.call(message, name, message["params"].get("arguments", {}))

    def listen(self, message):
        wanted, meta = message["params"]["notifications"], fake_modern_era.subscription(message["id"])
        self.begin_events()
        self.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                    "params": {"_meta": meta, "notifications": wanted}})
        for uri in wanted.get("resourceSubscriptions", []):
            self.event({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"_meta": meta, "uri": uri}})
        self.stay("subscriptions/listen")

    def hang(self):
        self.begin_events()
        self.stay("tools/call")

    def stay(self, method):
        try:
            for _ in range(600):  # a minute at most
                self.chunk(b": alive\n\n")
                time.sleep(0.1)
        except OSError:
            JOURNAL.append(["CLOSED", method, {}])
            self.close_connection = True

    def post_of_sse(self, message):
        name = message.get("params", {}).get("name", "")
        if self.sse is None:
            self.whole(404)
        elif name == "fail":
            self.whole(message["params"]["arguments"]["status"])
        else:
            self.whole(202)
            if message.get("method") == "initialize":
                self.initialize(message)
            elif name == "cut":
                self.sse.put(None)
            elif name == "progress":
                for step in range(message["params"]["arguments"]["steps"]):
                    self.sse.put({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
                        "progressToken": message["params"]["_meta"]["progressToken"], "progress": step}})
                self.answer(result(message, text("done")))
            elif name:
                self.call(message, name, message["params"].get("arguments", {}))
            elif message.get("method") == "tools/list":
                self.answer(result(message, {"tools": TOOLS}))
            elif "id" in message and "method" in message:
                self.answer(result(message, {}))

    def initialize(self, message):
        refusal = MODERN.refuses_initialize()
        if refusal:
            self.refuse(400, message, refusal)
            return
        more = []
        if not OPTIONS.stateless and not self.sse:
            session = "with space" if OPTIONS.bad_session_id else uuid.uuid4().hex
            SESSIONS[session] = queue.Queue()
            more = [("Mcp-Session-Id", session)]
        prompts = {"prompts": {"listChanged": True}} if OPTIONS.prompts else {}
        self.answer(result(message, {"protocolVersion": OPTIONS.version, "capabilities": {"tools": {"listChanged": True}, **prompts},
                                     "serverInfo": {"name": "fake", "version": "1"}}), more)

    def call(self, message, name, arguments):
        session = self.headers.get("Mcp-Session-Id")
        if name == "echo":
            self.answer(result(message, text(arguments["text"])))
        elif name == "question":
            identity = uuid.uuid4().hex
            ANSWERS[identity] = queue.Queue()
            self.begin_events()
            self.event({"jsonrpc": "2.0", "id": identity, "method": arguments["method"], "params": {"maxTokens": 1}})
            self.event(result(message, text(json.dumps(ANSWERS[identity].get(timeout=30)))))
            self.end_events()
        elif name == "log":
            self.begin_events()
            for level in ("debug", arguments["level"]):
                self.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": level, "data": "x"}})
            self.event(result(message, text("logged")))
            self.end_events()
        elif name == "headers":
            self.answer(result(message, text(json.dumps({k.lower(): v for k, v in self.headers.items()}))))
        elif name == "sleep":
            time.sleep(arguments["ms"] / 1000)
            self.answer(result(message, text("slept")))
        elif name == "progress":
            self.begin_events()
            for step in range(arguments["steps"]):
                self.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
                    "progressToken": message["params"]["_meta"]["progressToken"], "progress": step}})
            self.event(result(message, text("done")))
            self.end_events()
        elif name in ("break", "cut"):
            self.begin_events()
            if name == "break":
                PARTS[f"b-{message['id']}"] = result(message, text("after the break"))
                self.event(identity=f"b-{message['id']}", retry=50)
            self.end_events()
        elif name == "silent":
            self.whole(202)
        elif name == "fail":
            self.whole(arguments["status"], b"<h1>no</h1>", "text/html")
        elif name == "rpc_fail":
            body = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": "inside"}}
            self.whole(arguments["status"], json.dumps(body).encode())
        elif name == "change":
            CHANGED.set()
            if session in SESSIONS:
                changed = "prompts" if OPTIONS.prompts else "tools"
                SESSIONS[session].put({"jsonrpc": "2.0", "method": f"notifications/{changed}/list_changed"})
            self.answer(result(message, text("changed")))
        elif name == "forget":
            SESSIONS.pop(session, None)
            self.answer(result(message, text("forgotten")))
        elif name == "large":
            self.answer(result(message, text("x" * arguments["bytes"])))

    def do_GET(self):
        if self.path in ("/journal", "/connections"):
            self.whole(200, json.dumps(JOURNAL if self.path == "/journal" else len(CONNECTIONS)).encode())
            return
        self.note("")
        self.sse, self.modern = None, False
        if self.path == "/sse" or OPTIONS.only_sse:
            self.sse_stream()
            return
        last = self.headers.get("Last-Event-ID")
        if last in PARTS:
            self.begin_events()
            self.event(PARTS.pop(last))
            self.end_events()
        elif OPTIONS.no_get:
            self.whole(405)
        elif not self.session_is_known():
            self.whole(OPTIONS.lost_status)
        elif OPTIONS.silent_get:
            self.begin_events()
            time.sleep(60)
        else:
            self.stream(SESSIONS.get(self.headers.get("Mcp-Session-Id"), queue.Queue()))

    def sse_stream(self):
        if OPTIONS.refuse:
            self.whole(OPTIONS.refuse)
            return
        session = uuid.uuid4().hex
        SESSIONS[session] = queue.Queue()
        self.stream(SESSIONS[session], f"event: endpoint\ndata: {OPTIONS.endpoint}?session={session}\n\n".encode())
        SESSIONS.pop(session)

    def stream(self, waiting, first=b": hello\n\n"):
        self.begin_events()
        try:
            self.chunk(first)
            for _ in range(600):  # a minute at most
                try:
                    message = waiting.get(timeout=0.1)
                    if message is None:
                        self.end_events()
                        return
                    self.event(message)
                except queue.Empty:
                    self.chunk(b": alive\n\n")
        except OSError:
            self.close_connection = True

    def do_DELETE(self):
        self.note("")
        if OPTIONS.no_delete:
            self.whole(405)
            return
        self.whole(200 if SESSIONS.pop(self.headers.get("Mcp-Session-Id"), None) else 404)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    server = Server(("127.0.0.1", OPTIONS.port), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
