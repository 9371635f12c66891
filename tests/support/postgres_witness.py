"""What a second session of Postgres sees: a few lines of its protocol over the server's Unix socket, trusted login, simple queries.
A row seen here is committed and on disk, whatever the session that wrote it believes. Standard library only."""

import socket
import struct

PROTOCOL = 196608  # 3.0
ANSWER_BYTES_MAX = 1 << 20


class WitnessError(Exception):
    """Postgres could not be asked, or it refused the query."""


class Witness:
    """ask(query) → rows of texts. Connects when needed; every wait is bounded."""

    def __init__(self, path, user="postgres", database="sluice", seconds=0.5):
        self.path, self.user, self.database, self.seconds = path, user, database, seconds
        self.socket = None

    def ask(self, query):
        try:
            if self.socket is None:
                self.connect()
            self.socket.sendall(b"Q" + struct.pack("!I", len(query.encode()) + 5) + query.encode() + b"\0")
            return self.rows()
        except (OSError, struct.error) as error:
            self.close()
            raise WitnessError(str(error)) from None

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def connect(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(self.seconds)
        self.socket.connect(str(self.path))
        words = f"user\0{self.user}\0database\0{self.database}\0application_name\0witness\0\0".encode()
        self.socket.sendall(struct.pack("!II", len(words) + 8, PROTOCOL) + words)
        self.rows()

    def rows(self):
        """Rows up to ReadyForQuery. An error of the server ends the connection too: it may be shutting down."""
        rows, failure = [], None
        while True:
            kind, body = self.message()
            if kind == b"D":
                rows.append(columns(body))
            elif kind == b"E":
                failure = failure or body.decode(errors="replace").replace("\0", " ")
            elif kind == b"R" and body[:4] != b"\0\0\0\0":
                failure = "the server asks for a password"
            if failure and kind in (b"Z", b"E", b"R"):
                raise OSError(failure)
            if kind == b"Z":
                return rows

    def message(self):
        head = self.exactly(5)
        size = struct.unpack("!I", head[1:])[0] - 4
        if size > ANSWER_BYTES_MAX:
            raise OSError("the server's answer is too large")
        return head[:1], self.exactly(size)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise OSError("the server closed the connection")
            data += part
        return data


def columns(body):
    (count,), at, values = struct.unpack("!H", body[:2]), 2, []
    for _ in range(count):
        (size,) = struct.unpack("!i", body[at:at + 4])
        at += 4
        values.append(None if size < 0 else body[at:at + size].decode())
        at += max(size, 0)
    return values
