#!/usr/bin/env python3
"""A stdio MCP server whose tools are those of a file (a JSON array), as it is now: it tells when the file has changed. Every tool
answers its own name."""
import json
import os
import sys
import threading
import time

PATH = sys.argv[1]
OUTPUT = threading.Lock()


def say(message):
    with OUTPUT:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def watch():
    seen = os.stat(PATH).st_mtime_ns
    while True:
        time.sleep(0.1)
        now = os.stat(PATH).st_mtime_ns
        if now != seen:
            seen = now
            say({"method": "notifications/tools/list_changed"})


def answer(method, params):
    if method == "initialize":
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "changing", "version": "1"}}
    if method == "tools/list":
        with open(PATH, encoding="utf-8") as file:
            return {"tools": json.load(file)}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": params["name"]}]}
    return {}


threading.Thread(target=watch, daemon=True).start()
for line in sys.stdin:
    request = json.loads(line)
    if "id" in request and "method" in request:
        say({"id": request["id"], "result": answer(request["method"], request.get("params", {}))})
