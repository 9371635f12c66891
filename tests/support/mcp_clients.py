"""MCP clients that are hard to tell apart: each counts its JSON-RPC ids from 1, half of them as texts, over connections of their own
to a gateway's /mcp, in either era of the protocol. What they ask and what comes back is kept as it was; nothing is judged here."""

import asyncio
import json
from dataclasses import dataclass, field

MODERN = "2026-07-28"
LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26"]
META = "io.modelcontextprotocol/"
INFO = {"name": "crowd", "version": "1"}
ANSWER_SECONDS_MAX = 60
HEAD_BYTES_MAX = 1 << 20
QUIET_SECONDS = 0.2  # after its last answer a connection has to stay silent this long
SMALL_MS, LARGE_MS = 20, 150
PAD_BYTES_MAX = 20_000
STEPS_MAX = 3


@dataclass
class Call:
    """One tools/call and everything that came back for it."""
    client: str
    number: int
    principal: str
    id: object
    tool: str  # as the gateway calls it: server-tool
    modern: bool
    delay_ms: int = 0
    pad: int = 0
    steps: int = 0
    token: object = None  # asks for progress when it is not None
    cancelled: bool = False  # the client left before the answer
    status: int = 0  # 0: nothing came, or not all of it
    messages: list = field(default_factory=list)
    failure: str = ""

    @property
    def canary(self):
        return f"{self.client}/{self.number}/{self.principal}"

    @property
    def arguments(self):
        return {"canary": self.canary, "delay_ms": self.delay_ms, "pad": self.pad, "steps": self.steps}

    def body(self):
        params, meta = {"name": self.tool, "arguments": self.arguments}, {}
        if self.modern:
            meta = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}, META + "clientInfo": INFO}
        if self.token is not None:
            meta["progressToken"] = self.token
        if meta:
            params["_meta"] = meta
        return {"jsonrpc": "2.0", "id": self.id, "method": "tools/call", "params": params}

    def __str__(self):
        return f"{self.canary} ({'modern' if self.modern else 'legacy'}, id {self.id!r}, {self.tool})"


class Wire:
    """One HTTP/1.1 connection."""

    def __init__(self, port, key):
        self.port, self.key = port, key
        self.reader = self.writer = None

    async def send(self, body, headers):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=HEAD_BYTES_MAX)
        data = json.dumps(body).encode()
        fields = {"host": f"127.0.0.1:{self.port}", "authorization": f"Bearer {self.key}", "content-type": "application/json",
                  "accept": "application/json, text/event-stream", "content-length": len(data), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.writer.write(f"POST /mcp HTTP/1.1\r\n{head}\r\n".encode() + data)
        await self.writer.drain()

    async def receive(self):
        """(status, headers, body) of one response."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        if "chunked" in headers.get("transfer-encoding", ""):
            body = b"".join([chunk async for chunk in self.chunks()])
        else:
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def chunks(self):
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)

    async def rest(self):
        """Bytes that nobody asked for."""
        if self.reader is None:
            return b""
        try:
            return await asyncio.wait_for(self.reader.read(HEAD_BYTES_MAX), QUIET_SECONDS)
        except (asyncio.TimeoutError, OSError):
            return b""

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


def messages_of(headers, body):
    """The JSON-RPC messages of a body, in their order."""
    if headers.get("content-type", "").startswith("text/event-stream"):
        events = body.decode().replace("\r\n", "\n").split("\n\n")
        datas = ["\n".join(line[5:].removeprefix(" ") for line in event.split("\n") if line.startswith("data:")) for event in events]
        return [json.loads(data) for data in datas if data]
    return [json.loads(body)] if body else []


class Client:
    """One client: a session of its own in the legacy era, one call after the other, each on any door."""

    def __init__(self, number, principal, key, doors, servers, chance, cancels=0.0):
        self.name, self.principal, self.key = f"c{number}", principal, key
        self.doors, self.servers, self.chance, self.cancels = doors, servers, chance, cancels
        self.modern = number % 2 == 0
        self.textual = number % 4 < 2  # ids
        self.version = MODERN if self.modern else chance.choice(LEGACY)
        self.count, self.calls, self.session, self.rest = 0, [], None, b""
        self.turn_to_a_door()

    def turn_to_a_door(self):
        self.wire = Wire(self.chance.choice(self.doors), self.key)

    def next_id(self):
        self.count += 1
        return str(self.count) if self.textual else self.count

    def headers(self, call):
        if self.modern:
            return {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": call.tool}
        return {"mcp-protocol-version": self.version, "mcp-session-id": self.session}

    async def start(self):
        """initialize, in the era that has it. Its id is the first one."""
        if self.modern:
            return
        await self.wire.send({"jsonrpc": "2.0", "id": self.next_id(), "method": "initialize", "params": {
            "protocolVersion": self.version, "capabilities": {}, "clientInfo": INFO}}, {})
        status, headers, body = await asyncio.wait_for(self.wire.receive(), ANSWER_SECONDS_MAX)
        if status != 200:
            raise RuntimeError(f"{self.name}: initialize answers {status}: {body.decode(errors='replace')[:300]}")
        self.session = headers["mcp-session-id"]
        await self.notify({"method": "notifications/initialized"})

    async def notify(self, notification):
        wire = Wire(self.chance.choice(self.doors), self.key)
        try:
            await wire.send({"jsonrpc": "2.0", **notification}, {"mcp-protocol-version": self.version, "mcp-session-id": self.session})
            await asyncio.wait_for(wire.receive(), ANSWER_SECONDS_MAX)
        finally:
            wire.close()

    def draw(self):
        """The next call."""
        chance = self.chance
        call = Call(self.name, self.count + 1, self.principal, self.next_id(), modern=self.modern,
                    tool=f"{chance.choice(self.servers)}-{'write' if chance.random() < 0.15 else 'echo'}",
                    delay_ms=int(chance.uniform(0, LARGE_MS if chance.random() < 0.05 else SMALL_MS)),
                    pad=chance.randrange(PAD_BYTES_MAX) if chance.random() < 0.05 else chance.randrange(100))
        if chance.random() < 0.2:
            call.steps = chance.randint(1, STEPS_MAX)
            call.token = call.id if chance.random() < 0.7 else None  # what is not asked for must not come
        call.cancelled = chance.random() < self.cancels
        return call

    async def make(self, call):
        self.calls.append(call)
        try:
            await self.wire.send(call.body(), self.headers(call))
            if call.cancelled:
                await self.leave(call)
                return
            status, headers, body = await asyncio.wait_for(self.wire.receive(), ANSWER_SECONDS_MAX)
            call.messages, call.status = messages_of(headers, body), status
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as failure:
            call.failure = f"{type(failure).__name__}: {failure}"
            self.wire.close()
            self.turn_to_a_door()

    async def leave(self, call):
        await asyncio.sleep(self.chance.uniform(0, 1.5 * call.delay_ms / 1000))
        if not self.modern:
            await self.notify({"method": "notifications/cancelled", "params": {"requestId": call.id, "reason": "changed its mind"}})
        self.wire.close()
        self.turn_to_a_door()

    async def work(self, count):
        for _ in range(count):
            await self.make(self.draw())
            if self.chance.random() < 0.02:
                await self.change_door()
        await self.end()

    async def change_door(self):
        self.rest += await self.wire.rest()
        self.wire.close()
        self.turn_to_a_door()

    async def end(self):
        self.rest += await self.wire.rest()
        self.wire.close()
