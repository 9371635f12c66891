#!/usr/bin/env python3
"""A small stdio MCP server with one search tool, as video sites have them: search {query, maxResults?} answers titles about the query,
with a schema of its output. --record FILE: each call's arguments, one JSON object a line."""

import argparse
import json
import sys

ITEM = {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}}, "required": ["id", "title"]}
TOOL = {
    "name": "search", "description": "Searches videos by words.", "annotations": {"readOnlyHint": True},
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string", "description": "Words to look for"},
                                                     "maxResults": {"type": "integer", "default": 5}},
                    "required": ["query"], "additionalProperties": False},
    "outputSchema": {"type": "object", "properties": {"items": {"type": "array", "items": ITEM}}, "required": ["items"]},
}


def called(arguments):
    count = min(int(arguments.get("maxResults", 5)), 50)
    items = [{"id": f"v{i}", "title": f"{arguments['query']} {i}"} for i in range(1, count + 1)]
    found = {"items": items}
    return {"content": [{"type": "text", "text": json.dumps(found)}], "structuredContent": found}


def answer(method, params, record):
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}},
                "serverInfo": {"name": "search", "version": "1.0.0"}}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        if record:
            with open(record, "a", encoding="utf-8") as file:
                file.write(json.dumps(params["arguments"]) + "\n")
        return called(params["arguments"])
    return {} if method == "ping" else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--record")
    record = parser.parse_args().record
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        result = answer(message["method"], message.get("params", {}), record)
        reply = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **reply}), flush=True)


if __name__ == "__main__":
    main()
