#!/usr/bin/env python3
"""A small stdio MCP server for tests (protocol 2025-11-25; also 2026-07-28 where --era says so), with the bad manners seen in the
field.

Tools: echo {text}, environment {}, arguments {}, append {path, text} (the side effect), sleep {ms}, crash {path}, large {bytes}; not
listed: question {method} (asks the client that and answers with the answer), log {level}, touch {uri} (that resource changes).
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time

import fake_modern_era


def tool(name, properties, **more):
    return {"name": name, "description": name, **more,
            "inputSchema": {"type": "object", "properties": properties, "required": list(properties)}}


TEXT, NUMBER = {"type": "string"}, {"type": "integer"}
TOOLS = [
    tool("echo", {"text": TEXT}, annotations={"readOnlyHint": True}),
    tool("environment", {}, annotations={"readOnlyHint": True}),
    tool("arguments", {}, annotations={"readOnlyHint": True}),
    tool("append", {"path": TEXT, "text": TEXT}),
    tool("sleep", {"ms": NUMBER}),
    tool("crash", {"path": TEXT}),
    tool("large", {"bytes": NUMBER}),
]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--banner", action="store_true", help="text on stdout before and between messages")
    parser.add_argument("--garbage", action="store_true", help="broken JSON on stdout")
    parser.add_argument("--slow-start", type=float, default=0, help="seconds before the first read")
    parser.add_argument("--never-ready", action="store_true", help="never answers initialize")
    parser.add_argument("--ignore-eof", action="store_true")
    parser.add_argument("--ignore-sigterm", action="store_true")
    parser.add_argument("--deaf", action="store_true", help="never reads its input")
    parser.add_argument("--large-catalog", type=int, default=0, help="bytes of one tool's description")
    parser.add_argument("--long-line", type=int, default=0, help="bytes of one line before the first answer")
    parser.add_argument("--stderr", type=int, default=0, help="bytes written to stderr at the start")
    parser.add_argument("--storm", action="store_true", help="seven list_changed and roots/list after initialize")
    parser.add_argument("--pages", action="store_true", help="one tool a page")
    parser.add_argument("--offers", choices=["good", "refused", "endless", "malformed"],
                        help="has resources and prompts, and how their lists are answered")
    parser.add_argument("--grandchild", help="file for the pid of a sleeping child of this process")
    parser.add_argument("--version", default="2025-11-25", help="protocol version of the answer to initialize")
    parser.add_argument("--batch", action="store_true", help="answers come as JSON arrays, with a notification in each")
    parser.add_argument("--wrong-ids", action="store_true", help="answers under other ids before each, and each twice")
    parser.add_argument("--chatty", action="store_true", help="log notifications nobody asked for, before each answer")
    parser.add_argument("--duplicates", action="store_true", help="lists its tools and resources twice")
    parser.add_argument("--capabilities", choices=["tools", "none"], help="tools: whole tool objects in them; none: an empty object")
    parser.add_argument("--tools", choices=["refused", "empty", "silent", "nameless"], help="how tools/list is answered")
    parser.add_argument("--endless-storm", action="store_true", help="every list is followed by list_changed")
    parser.add_argument("--flood", action="store_true", help="garbage on stdout as fast as it is read")
    parser.add_argument("--process", action="store_true", help="offers a tool that tells the pid of this process")
    parser.add_argument("--pid-file", help="file for the pid of this process")
    fake_modern_era.add_options(parser)
    parser.add_argument("rest", nargs="*")
    return parser.parse_args()


OPTIONS = options()
if OPTIONS.process:
    TOOLS.append(tool("process", {}, annotations={"readOnlyHint": True}))
MODERN = fake_modern_era.ModernEra(OPTIONS)
CANCELLED = []
LEVELS = []  # asked for
SUBSCRIBED = []
OUTPUT = threading.Lock()


def say(text):
    with OUTPUT:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def send(message):
    if OPTIONS.banner:
        say("fake server: about to answer")
    if OPTIONS.garbage:
        say('{"jsonrpc": "2.0", "id": 1, broken')
        say("[1, 2")
        say('{"jsonrpc": "2.0", "id": 987654, "result": {}}')
    text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
    is_answer = "id" in message and "method" not in message
    if OPTIONS.chatty and is_answer:
        say('{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "nobody asked"}}')
        say('{"jsonrpc": "2.0", "method": "notifications/of/its/own"}')
    if OPTIONS.wrong_ids and is_answer:
        for wrong in (str(message["id"]), None, message["id"] + 1000, [message["id"]], message["id"] + 0.5):
            say(json.dumps({"jsonrpc": "2.0", "id": wrong, "result": {"wrong": True}}))
        say('{"jsonrpc": "2.0", "result": {}}')
    if OPTIONS.batch and is_answer:
        text = '[{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "in a batch"}}, ' + text + "]"
    say(text)
    if OPTIONS.wrong_ids and is_answer:
        say(text)


def text_result(text, **more):
    return {"content": [{"type": "text", "text": text}], **more}


def ask(method):
    """The client's answer to a request of this server, in the middle of a request of the client."""
    send({"id": "ask", "method": method, "params": {"maxTokens": 1}})
    while True:
        message = json.loads(sys.stdin.readline())
        if message.get("id") == "ask" and "method" not in message:
            return message
        handle(message)


def call(name, arguments, token):
    if name == "question":
        return text_result(json.dumps(ask(arguments["method"])))
    if name == "log":
        for level in ("debug", arguments["level"]):
            send({"method": "notifications/message", "params": {"level": level, "data": "x"}})
        return text_result(json.dumps(LEVELS))
    if name == "touch":
        for _ in range(3):
            send({"method": "notifications/resources/updated", "params": {"uri": arguments["uri"]}})
        return text_result(json.dumps(SUBSCRIBED))
    if name == "echo":
        return text_result(arguments["text"])
    if name == "environment":
        return text_result(json.dumps(dict(os.environ), sort_keys=True))
    if name == "process":
        return text_result(str(os.getpid()))
    if name == "arguments":
        return text_result(json.dumps(sys.argv[1:]))
    if name == "append":
        with open(arguments["path"], "a", encoding="utf-8") as file:
            file.write(arguments["text"] + "\n")
        return text_result("appended")
    if name == "sleep":
        if token is not None:
            send({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1, "total": 2}})
        time.sleep(arguments["ms"] / 1000)
        return text_result("slept")
    if name == "crash":
        with open(arguments["path"], "a", encoding="utf-8") as file:
            file.write("effect before the crash\n")
        os._exit(3)
    if name == "large":
        return text_result("x" * arguments["bytes"])
    return text_result("no such tool", isError=True)


def tools_page(cursor):
    tools = [dict(entry) for entry in TOOLS]
    if OPTIONS.tools == "refused":
        raise Refused({"code": -32603, "message": "no backend"})
    if OPTIONS.tools == "silent":
        return None
    if OPTIONS.tools == "empty":
        tools = []
    if OPTIONS.tools == "nameless":
        tools.append({"description": "no name"})
    if OPTIONS.duplicates:
        tools += [dict(entry, description="the second of that name") for entry in tools]
    if OPTIONS.large_catalog:
        tools[0]["description"] = "d" * OPTIONS.large_catalog
    if not OPTIONS.pages:
        return {"tools": tools}
    at = int(cursor or 0)
    page = {"tools": tools[at:at + 1]}
    if at + 1 < len(tools):
        page["nextCursor"] = str(at + 1)
    return page


class Refused(Exception):
    pass


OFFERS = {"resources/list": ("resources", [{"uri": "fake://b"}, {"uri": "fake://a", "x-own": 1}]),
          "resources/templates/list": ("resourceTemplates", [{"uriTemplate": "fake://{any}"}]),
          "prompts/list": ("prompts", [{"name": "greet"}])}


def offers(method):
    member, items = OFFERS[method]
    if OPTIONS.offers == "refused":
        raise Refused({"code": -32603, "message": "no backend"})
    if OPTIONS.offers == "malformed":
        return {member: "nothing"}
    if OPTIONS.offers == "endless":
        return {member: items, "nextCursor": str(time.monotonic_ns())}
    return {member: items * 2 if OPTIONS.duplicates else items}


def answer_modern(message):
    method, params = message["method"], message["params"]
    fault = MODERN.fault(message)
    if fault:
        raise Refused(fault)
    if method == "tools/list":
        return {"resultType": "complete", "tools": TOOLS + fake_modern_era.TOOLS}
    if method != "tools/call":
        raise LookupError(method)
    if params["name"] == "cancelled":
        return text_result(json.dumps(CANCELLED))
    own = MODERN.result_of(params["name"], params)
    return own or call(params["name"], params.get("arguments") or {}, params["_meta"]["progressToken"])


def discover(message):
    reply = MODERN.discovered()
    if reply:
        send({"id": message["id"], **reply[1]})


def answer(message):
    method, params = message["method"], message.get("params") or {}
    if MODERN.speaks(message):
        return answer_modern(message)
    if method == "initialize":
        if MODERN.refuses_initialize():
            raise Refused(MODERN.refuses_initialize())
        if OPTIONS.never_ready:
            return None
        more = {"resources": {"listChanged": True}, "prompts": {"listChanged": True}} if OPTIONS.offers else {}
        tools = {"tools": {"listChanged": True}}
        if OPTIONS.capabilities:
            tools = {"tools": {entry["name"]: entry for entry in TOOLS}} if OPTIONS.capabilities == "tools" else {}
        if OPTIONS.tells:
            more = {"resources": {"subscribe": True}, "logging": {}}
        return {"protocolVersion": OPTIONS.version, "capabilities": {**tools, **more}, "instructions": "be kind",
                "serverInfo": {"name": "fake", "version": "1"}}
    if method == "ping":
        return {}
    if method == "logging/setLevel":
        LEVELS.append(params["level"])
        return {}
    if method == "resources/subscribe":
        SUBSCRIBED.append(params["uri"])
        return {}
    if method == "tools/list":
        return tools_page(params.get("cursor"))
    if method in OFFERS and OPTIONS.offers:
        return offers(method)
    if method == "tools/call":
        token = params.get("_meta", {}).get("progressToken")
        return call(params["name"], params.get("arguments") or {}, token)
    raise LookupError(method)


def handle(message):
    if "method" not in message:
        return
    if message["method"] == "notifications/initialized" and OPTIONS.storm:
        for _ in range(7):
            send({"method": "notifications/tools/list_changed"})
        if OPTIONS.offers:
            send({"method": "notifications/resources/list_changed"})
            send({"method": "notifications/prompts/list_changed"})
        send({"id": "server-1", "method": "roots/list"})
    if message["method"] == "notifications/cancelled":
        CANCELLED.append(message["params"]["requestId"])
    if "id" not in message:
        return
    if message["method"] == "server/discover" and (OPTIONS.discover or OPTIONS.era != "legacy"):
        discover(message)
        return
    try:
        result = answer(message)
    except Refused as refused:
        send({"id": message["id"], "error": refused.args[0]})
        return
    except LookupError:
        send({"id": message["id"], "error": {"code": -32601, "message": "unknown method"}})
        return
    if result is not None:
        send({"id": message["id"], "result": result})
    if message["method"] == "tools/list" and OPTIONS.endless_storm:
        send({"method": "notifications/tools/list_changed"})


def flood():
    while True:
        say("garbage " * 100)


def main():
    if OPTIONS.ignore_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if OPTIONS.grandchild:
        child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
        with open(OPTIONS.grandchild, "w", encoding="ascii") as file:
            file.write(str(child.pid))
    if OPTIONS.pid_file:
        with open(OPTIONS.pid_file, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    if OPTIONS.stderr:
        sys.stderr.write("e" * OPTIONS.stderr + " the last words")
        sys.stderr.flush()
    if OPTIONS.banner:
        say("Fake MCP server running on stdio")
    if OPTIONS.long_line:
        say('{"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "' + "x" * OPTIONS.long_line + '"}}')
    time.sleep(OPTIONS.slow_start)
    if OPTIONS.flood:
        threading.Thread(target=flood, daemon=True).start()
    while OPTIONS.deaf:
        time.sleep(1000)
    for line in sys.stdin:
        handle(json.loads(line))
    while OPTIONS.ignore_eof:
        time.sleep(1000)


main()
