"""An MCP server over stdio whose effects are counted outside Sluice: each call of `append` adds one line to a ledger file before
it answers. The ledger is the oracle of the fault tests. Usage: ledger_server.py LEDGER"""

import json
import os
import sys
import time

TOOLS = [
    {"name": "append", "description": "Adds one line to the ledger.",
     "inputSchema": {"type": "object", "properties": {"token": {"type": "string"}}, "required": ["token"],
                     "additionalProperties": False}},
    {"name": "look", "description": "Counts the lines of the ledger.", "annotations": {"readOnlyHint": True},
     "inputSchema": {"type": "object", "properties": {}}},
]


def append(ledger, token):
    descriptor = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps({"token": token, "at": time.time()}) + "\n").encode())
    finally:
        os.close(descriptor)


def answer(ledger, message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        return {"protocolVersion": params.get("protocolVersion", "2025-11-25"), "capabilities": {"tools": {}},
                "serverInfo": {"name": "ledger", "version": "1"}}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call" and params.get("name") == "append":
        append(ledger, params["arguments"]["token"])
        return {"content": [{"type": "text", "text": "written"}]}
    if method == "tools/call" and params.get("name") == "look":
        lines = open(ledger).readlines() if os.path.exists(ledger) else []
        return {"content": [{"type": "text", "text": str(len(lines))}]}
    return None


def main():
    ledger = sys.argv[1]
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message or "method" not in message:
            continue
        result = answer(ledger, message)
        reply = {"jsonrpc": "2.0", "id": message["id"]}
        if result is None:
            reply["error"] = {"code": -32601, "message": "no such method"}
        else:
            reply["result"] = result
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
