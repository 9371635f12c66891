"""The modern era of MCP (2026-07-28: no handshake, no sessions) as the fake servers speak it, strictly: a request that lacks what
it must carry is refused with -32602 (in _meta) or -32020 (in headers).

Tools beside those of the fake: mirror {region, deep.count, flag} (three arguments repeat as headers), four that no client may offer
over HTTP, ask {} (the server asks back once), strange {} (a kind of result nobody knows), stale {} (-32020 until the tools were listed a
second time), hang {} (no end; HTTP), cancelled {} (ids that were cancelled; stdio).
"""
import base64
import json

VERSION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
STATE = "st\u00e4te/+="  # of ask
DISCOVER = ["answer", "unknown", "inside", "refuse", "old", "silent", "ask-again"]


def add_options(parser):
    parser.add_argument("--era", choices=["legacy", "dual", "modern"], default="legacy")
    parser.add_argument("--tells", action="store_true", help="tells of resources; over stdio it sends log messages too")
    parser.add_argument("--discover", choices=DISCOVER, help="how server/discover is answered; answer: as the era does")


def subscription(identity):
    return {PREFIX + "subscriptionId": identity}


def tool(name, properties):
    return {"name": name, "description": name, "inputSchema": {"type": "object", "properties": properties}}


def mirrored(kind, name):
    return {"type": kind, "x-mcp-header": name}


INVALID = [tool("invalid_name", {"a": mirrored("string", "no token")}), tool("invalid_type", {"a": mirrored("number", "A")}),
           tool("invalid_twice", {"a": mirrored("string", "A"), "b": mirrored("string", "a")}),
           tool("invalid_place", {"a": {"type": "array", "items": mirrored("string", "A")}})]
TOOLS = [tool("mirror", {"region": mirrored("string", "Region"), "flag": mirrored("boolean", "Flag"),
                         "deep": {"type": "object", "properties": {"count": mirrored("integer", "Count")}}}),
         tool("ask", {}), tool("strange", {}), tool("stale", {}), tool("hang", {}), tool("cancelled", {})] + INVALID
MIRRORED = {"mcp-param-region": ["region"], "mcp-param-flag": ["flag"], "mcp-param-count": ["deep", "count"]}


def error(code, message, **data):
    return {"code": code, "message": message, **({"data": data} if data else {})}


def decoded(value):
    if value is not None and value.startswith("=?base64?") and value.endswith("?="):
        return base64.b64decode(value[len("=?base64?"):-len("?=")]).decode()
    return value


def argument(arguments, path):
    for member in path:
        arguments = arguments.get(member) if isinstance(arguments, dict) else None
    return arguments if arguments is None or isinstance(arguments, str) else str(arguments).lower()


class ModernEra:
    def __init__(self, options):
        self.era, self.how, self.tells = options.era, options.discover or "answer", options.tells
        self.seen = False  # a modern request was carried out
        self.discovers = self.lists = 0

    def speaks(self, message, headers=None):
        meta = message.get("params", {}).get("_meta", {})
        return self.era != "legacy" and "id" in message and message.get("method") != "initialize" and (
            PREFIX + "protocolVersion" in meta or (headers or {}).get("mcp-protocol-version") == VERSION or self.era == "modern")

    def meta_fault(self, message):
        meta = message.get("params", {}).get("_meta", {})
        for key, kind in (("protocolVersion", str), ("clientInfo", dict), ("clientCapabilities", dict)):
            if not isinstance(meta.get(PREFIX + key), kind):
                return error(-32602, f"_meta has no {key}")
        if message["method"] == "tools/call" and meta.get("progressToken") != message["id"]:
            return error(-32602, "_meta has no progressToken")
        if meta[PREFIX + "protocolVersion"] != VERSION:
            return error(-32022, "another version", supported=[VERSION], requested=meta[PREFIX + "protocolVersion"])
        return None

    def header_fault(self, message, headers):
        params = message.get("params", {})
        wanted = {"mcp-protocol-version": VERSION, "mcp-method": message["method"], "mcp-session-id": None, "last-event-id": None,
                  "mcp-name": params.get("name") if message["method"] == "tools/call" else None}
        for header, path in MIRRORED.items():
            is_mirror = message["method"] == "tools/call" and params["name"] == "mirror"
            wanted[header] = argument(params.get("arguments", {}), path) if is_mirror else None
        for header, value in wanted.items():
            if decoded(headers.get(header)) != value:
                return error(-32020, f"{header} says {headers.get(header)!r}, not {value!r}")
        return None

    def refuses_initialize(self):
        """The error to initialize, or None."""
        if self.era == "modern":
            return error(-32022, "no handshake here", supported=[VERSION])
        return error(-32601, "a modern client needs no handshake") if self.seen else None

    def discovered(self):
        """What server/discover is answered: HTTP status and message without id, or None for silence."""
        self.discovers += 1
        if self.how == "silent":
            return None
        if self.how == "unknown":
            return 404, {"error": error(-32601, "unknown method")}
        if self.how == "inside":
            return 500, {"error": error(-32603, "inside")}
        if self.how == "refuse":
            return 400, {"error": error(-32000, "no valid session")}
        if self.how == "ask-again" and self.discovers == 1:
            return 400, {"error": error(-32022, "another version", supported=[VERSION])}
        versions = ["2025-11-25"] if self.how == "old" else [VERSION, "2025-11-25"]
        capabilities = {"tools": {"listChanged": True}, "resources": {"subscribe": True}} if self.tells else {"tools": {}}
        return 200, {"result": {"resultType": "complete", "supportedVersions": versions, "capabilities": capabilities, "ttlMs": 0,
                                "cacheScope": "private", "_meta": {PREFIX + "serverInfo": {"name": "fake", "version": "1"}}}}

    def fault(self, message, headers=None):
        """What is wrong with a request other than server/discover, or None. headers: over HTTP only."""
        fault = self.meta_fault(message) or (self.header_fault(message, headers) if headers is not None else None)
        name = message["params"]["name"] if not fault and message["method"] == "tools/call" else ""
        if name == "stale" and self.lists < 2:
            return error(-32020, "the tools are listed differently now")
        self.seen = self.seen or not fault
        self.lists += message["method"] == "tools/list"
        return fault

    @staticmethod
    def result_of(name, params):
        """The result of a tool that only this era has, or None. ask: asks once, and then answers with what it got."""
        if name == "ask" and params.get("requestState") == STATE:
            text = json.dumps([params.get("inputResponses"), params["_meta"][PREFIX + "clientCapabilities"]])
            return {"resultType": "complete", "content": [{"type": "text", "text": text}]}
        if name == "ask":
            return {"resultType": "input_required", "requestState": STATE, "inputRequests": {"q": {"method": "elicitation/create"}}}
        if name == "strange":
            return {"resultType": "strange", "content": []}
        if name in ("mirror", "stale") or name.startswith("invalid_"):
            return {"resultType": "complete", "content": [{"type": "text", "text": name}]}
        return None
