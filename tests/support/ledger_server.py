"""An MCP server over stdio whose effects are counted outside Sluice: each call of `append` or `write_file` adds one line to a ledger
file before it answers. The ledger is the oracle of the fault tests. With --postgres it asks the database, in a session of its own
and before the effect, whether an intent for exactly these arguments is committed, and notes what it saw.
With --note the description of its tools ends with the text of a file, where that is: so a definition changes from one start to the
next.
Usage: ledger_server.py LEDGER [--postgres SOCKET] [--note FILE]"""

import argparse
import hashlib
import json
import os
import sys
import time

import postgres_witness

TEXT = {"type": "string"}
TOOLS = [
    {"name": "append", "description": "Adds one line to the ledger.",
     "inputSchema": {"type": "object", "properties": {"token": TEXT}, "required": ["token"], "additionalProperties": False}},
    {"name": "write_file", "description": "Adds the content as one line to the ledger.",
     "inputSchema": {"type": "object", "properties": {"path": TEXT, "content": TEXT}, "required": ["path", "content"]}},
    {"name": "look", "description": "Counts the lines of the ledger.", "annotations": {"readOnlyHint": True},
     "inputSchema": {"type": "object", "properties": {}}},
    {"name": "nap", "description": "Answers after a while.", "annotations": {"readOnlyHint": True},
     "inputSchema": {"type": "object", "properties": {"ms": {"type": "integer"}}, "required": ["ms"]}},
]
NAP_MS_MAX = 2000
EFFECTS = {"append": "token", "write_file": "content"}  # tool → the argument that names the effect
USED_INTENT = ("select count(*) from audit.records r join audit.grant_uses u on u.grant_id = r.grant_id and u.event_id = r.event_id "
               "where r.action = 'tool.intent' and r.args_digest = '\\x{}'")


def digest_of(arguments):
    """SHA-256 of the arguments in canonical form, as the trail has it; for plain ASCII members."""
    return hashlib.sha256(json.dumps(arguments, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class Ledger:
    def __init__(self, path, witness=None):
        self.path, self.witness = path, witness

    def add(self, token, arguments):
        digest = digest_of(arguments)
        entry = {"token": token, "digest": digest, "at": time.time(), "seen": self.seen(digest)}
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(entry) + "\n").encode())
        finally:
            os.close(descriptor)

    def seen(self, digest):
        """committed, absent, or unreachable (Postgres did not answer at this moment; the trail's commit times decide later)."""
        if self.witness is None:
            return "not asked"
        for _ in range(2):  # the first may find a connection that a restart of Postgres has ended
            try:
                return "committed" if int(self.witness.ask(USED_INTENT.format(digest))[0][0]) > 0 else "absent"
            except postgres_witness.WitnessError:
                pass
        return "unreachable"

    def lines(self):
        if not os.path.exists(self.path):
            return 0
        with open(self.path, "rb") as file:
            return sum(1 for _ in file)


def answer(ledger, message):
    method, params = message.get("method"), message.get("params") or {}
    if method == "initialize":
        return {"protocolVersion": params.get("protocolVersion", "2025-11-25"), "capabilities": {"tools": {}},
                "serverInfo": {"name": "ledger", "version": "1"}}
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": TOOLS}
    if method == "tools/call" and params.get("name") in EFFECTS:
        arguments = params["arguments"]
        ledger.add(arguments[EFFECTS[params["name"]]], arguments)
        return {"content": [{"type": "text", "text": "written"}]}
    if method == "tools/call" and params.get("name") == "look":
        return {"content": [{"type": "text", "text": str(ledger.lines())}]}
    if method == "tools/call" and params.get("name") == "nap":
        time.sleep(min(params["arguments"]["ms"], NAP_MS_MAX) / 1000)
        return {"content": [{"type": "text", "text": "slept"}]}
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ledger")
    parser.add_argument("--postgres", help="path of the server's Unix socket")
    parser.add_argument("--note", help="path of a file with words for every description")
    options = parser.parse_args()
    if options.note and os.path.exists(options.note):
        with open(options.note, encoding="utf-8") as file:
            note = file.read()
        for tool in TOOLS:
            tool["description"] += " " + note
    ledger = Ledger(options.ledger, postgres_witness.Witness(options.postgres) if options.postgres else None)
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
