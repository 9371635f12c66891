#!/usr/bin/env python3
"""A stdio MCP server (2025-11-25) that lists the tools of a recorded catalog as they were recorded, and whose tools say their name.

replay_mcp_server.py FILE: a JSON array of tools."""

import json
import sys


def answer(message, tools):
    method = message["method"]
    if method == "initialize":
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "replay", "version": "1"}}
    if method == "tools/list":
        return {"tools": tools}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": message["params"]["name"]}]}
    return {} if method == "ping" else None


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        tools = json.load(file)
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        result = answer(message, tools)
        reply = {"error": {"code": -32601, "message": "unknown method"}} if result is None else {"result": result}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"], **reply}, ensure_ascii=False) + "\n")
        sys.stdout.flush()


main()
