"""What tests of OAuth share: fake_oauth_server.py as a process, and the browser of whoever authorizes. Standard library only."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

FAKE = Path(__file__).resolve().parent / "fake_oauth_server.py"


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def read(request):
    """(status, headers, text) of one response, redirects not followed."""
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers, answer.read().decode()


def browse(url):
    """What the gateway's callback answers to a browser that was sent to the URL, and its address."""
    status, headers, text = read(url)
    assert status == 302, text
    return *read(headers["location"]), headers["location"]


class FakeServer:
    """One MCP server with its authorization server."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, str(FAKE)], stdout=subprocess.PIPE, text=True)
        self.base = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()

    def journal(self, kind):
        return [entry[1:] for entry in json.loads(read(self.base + "/journal")[2]) if entry[0] == kind]

    def control(self, **wanted):
        status, _, text = read(urllib.request.Request(self.base + "/control", json.dumps(wanted).encode(), method="POST"))
        assert status == 200, text
