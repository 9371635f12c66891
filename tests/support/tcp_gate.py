"""TCP gates between the services and their stores: each forwards one local port to another, and can cut its connections, refuse new
ones, or hold bytes back as a network partition does. All gates run on one thread with its own asyncio loop."""

import asyncio
import socket
import struct
import threading

CHUNK_BYTES = 1 << 16
CALL_SECONDS_MAX = 10
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: a close sends RST


class GateLoop:
    """The thread all gates of a stack run on."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="gates", daemon=True)
        self.thread.start()

    def call(self, function, *arguments):
        """Runs a function or coroutine function on the loop; its result."""
        async def run():
            result = function(*arguments)
            return await result if asyncio.iscoroutine(result) else result
        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(CALL_SECONDS_MAX)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(CALL_SECONDS_MAX)


class Gate:
    def __init__(self, gates, name, port, target):
        self.gates, self.name, self.port, self.target = gates, name, port, target
        self.pairs = set()
        self.refusing = False
        self.connecting = True  # new connections reach the store, whatever is held
        self.accepted = 0
        self.held_bytes = 0  # arrived while held, since the last hold()
        self.server = gates.call(self.open)

    async def open(self):
        self.flowing = {"out": asyncio.Event(), "back": asyncio.Event()}
        for event in self.flowing.values():
            event.set()
        return await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    # --- faults, called from other threads ----------------------------------------------------------------------------

    def connections(self):
        return self.gates.call(lambda: len(self.pairs))

    def cut(self):
        """Resets every connection, on both sides; how many there were."""
        return self.gates.call(self._cut)

    def refuse(self, on):
        self.gates.call(lambda: setattr(self, "refusing", on))

    def hold(self, directions=("out", "back"), connecting=False):
        """Nothing passes in these directions any more: "out" is towards the store. connecting: new connections come about, and
        then nothing is heard on them."""
        def close():
            self.held_bytes = 0
            self.connecting = connecting
            for direction in directions:
                self.flowing[direction].clear()
        self.gates.call(close)

    def release(self):
        """What was held is delivered, as TCP does after a partition; how many bytes had come meanwhile."""
        def open_again():
            self.connecting = True
            for event in self.flowing.values():
                event.set()
            return self.held_bytes
        return self.gates.call(open_again)

    # --- on the loop --------------------------------------------------------------------------------------------------

    def _cut(self):
        for pair in list(self.pairs):
            for writer in pair:
                abort(writer)
        return len(self.pairs)

    async def serve(self, reader, writer):
        self.accepted += 1
        if self.refusing:
            abort(writer)
            return
        if not self.connecting:
            await self.flowing["out"].wait()  # a partition: the connection comes about when it ends
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            abort(writer)
            return
        pair = (writer, far_writer)
        self.pairs.add(pair)
        try:
            await asyncio.gather(self.pump(reader, far_writer, "out"), self.pump(far_reader, writer, "back"))
        finally:
            self.pairs.discard(pair)
            for end in pair:
                end.close()

    async def pump(self, reader, writer, direction):
        try:
            while chunk := await reader.read(CHUNK_BYTES):
                if not self.flowing[direction].is_set():
                    self.held_bytes += len(chunk)
                    await self.flowing[direction].wait()
                writer.write(chunk)
                await writer.drain()
            await self.flowing[direction].wait()
            writer.write_eof()
        except (OSError, RuntimeError):
            abort(writer)


def abort(writer):
    connected = writer.get_extra_info("socket")
    if connected is not None and connected.fileno() >= 0:
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    writer.transport.abort()
