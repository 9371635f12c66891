"""A receiver of Standard Webhooks, written after the specification and not after Sluice: it takes what is signed with its secret and is
fresh, refuses everything else with 401, and remembers both."""

import base64
import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AGE_SECONDS_MAX = 300


def is_signed(secret, headers, body):
    """Whether a request is what the holder of the secret sent. secret: whsec_…; body: bytes."""
    identifier, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not identifier or not stamp.isdigit() or abs(time.time() - int(stamp)) > AGE_SECONDS_MAX:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    code = hmac.new(key, identifier.encode() + b"." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    expected = base64.b64encode(code).decode()
    signatures = [part.split(",", 1) for part in headers.get("webhook-signature", "").split(" ")]
    return any(len(part) == 2 and part[0] == "v1" and hmac.compare_digest(part[1], expected) for part in signatures)


class Receiver:
    def __init__(self, secret):
        self.secret = secret
        self.lock = threading.Lock()
        self.taken, self.refused = [], []  # (path, headers, body) of each
        self.status = 204
        self.port = 0
        self.server = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/hook"

    def start(self):
        """Again at the same port after stop()."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                self.send_response(receiver.take(self.path, dict(self.headers.items()), body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def take(self, path, headers, body):
        headers = {name.lower(): value for name, value in headers.items()}
        good = is_signed(self.secret, headers, body)
        with self.lock:
            status = self.status if good else 401
            if status == 204:
                self.taken.append((path, headers, body))
            elif not good:
                self.refused.append((path, headers, body))
        return status

    def events_of(self, approval):
        """The type of each event of that approval, once each, in the order in which they happened."""
        with self.lock:
            bodies = {headers["webhook-id"]: json.loads(body) for _, headers, body in self.taken}
        own = [body for body in bodies.values() if body["data"]["id"] == approval]
        return [body["type"] for body in sorted(own, key=lambda body: body["data"]["sequence"])]

    def wait_for(self, approval, types, seconds=15):
        deadline = time.monotonic() + seconds
        while self.events_of(approval) != types and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.events_of(approval)
