"""Bounded load on a stack, and the history of it: what was asked, and what was answered. Calls with an effect are sent again under
the same id when they were not answered, as SDKs do, now and then twice at once, and now and then after they were answered."""

import http.client
import json
import random
import threading
import time
from dataclasses import dataclass, field

from ledger_server import digest_of

ANSWER_SECONDS_MAX = 15
ATTEMPTS_MAX = 4
EFFECT_TOOLS = ["ledger-append", "notebook-append"]
READ_TOOL = "ledger-look"
SCRIPT_TOOL = "executeToolCode"
SCRIPT_SERVER = "scripted"
MODEL = "demo/assistant"


@dataclass
class Answer:
    """One HTTP request and what came back. status 0: nothing did, or not all of it."""
    request: str
    began: float
    ended: float = 0.0
    status: int = 0
    code: str = ""
    message: str = ""
    replayed: bool = False
    failed: bool = False  # a tool message that says so
    text: str = ""

    @property
    def done(self):
        return self.status == 200 and not self.failed

    @property
    def in_doubt(self):
        """A script's call was on its way when its connector died; whether it had its effect, nobody can say, ever."""
        return self.failed and "no answer was recorded" in self.text


@dataclass
class Call:
    """One tool call id with everything that was answered to it."""
    token: str
    id: str
    name: str
    arguments: dict
    answers: list = field(default_factory=list)

    @property
    def digest(self):
        return digest_of(self.arguments)

    @property
    def scripted(self):
        return self.name == SCRIPT_TOOL

    def body(self):
        asked = {"code": self.script()} if self.scripted else self.arguments
        return {"id": self.id, "type": "function", "function": {"name": self.name, "arguments": json.dumps(asked)}}

    def script(self):
        """Takes its time before the effect, so that a fault finds it running."""
        return (f"await {SCRIPT_SERVER}.nap({{ms: 150}});\n"
                f"return await {SCRIPT_SERVER}.append({json.dumps(self.arguments)});")

    def settled(self):
        return any(a.done or a.in_doubt or a.code in ("outcome_unknown", "not_carried_out") for a in self.answers)


class History:
    """Thread-safe: appending to a list is atomic, and readers take copies."""

    def __init__(self):
        self.calls, self.reads, self.chats = [], [], []

    def snapshot(self):
        return list(self.calls), list(self.reads), list(self.chats)

    def first_success(self, since):
        """When the first effect asked for after this moment was answered."""
        ends = [a.ended for call in list(self.calls) for a in list(call.answers) if a.done and a.began >= since]
        return min(ends, default=None)


class Client:
    """Requests to the front doors of a stack, one connection each."""

    def __init__(self, stack, prefix):
        self.stack, self.prefix, self.key = stack, prefix, stack.key
        self.count = 0

    def post(self, path, body, door=None, seconds=ANSWER_SECONDS_MAX):
        self.count += 1
        answer = Answer(request=f"{self.prefix}-r{self.count}", began=time.time())
        doors = self.stack.front_doors()
        try:
            if not doors:
                raise OSError("no ingress has published its port")
            host, port = doors[(self.count if door is None else door) % len(doors)]
            connection = http.client.HTTPConnection(host, port, timeout=seconds)
            try:
                connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {self.key}",
                                                                    "Content-Type": "application/json",
                                                                    "x-request-id": answer.request})
                response = connection.getresponse()
                text = response.read().decode(errors="replace")
            finally:
                connection.close()
            answer.status, answer.text = response.status, text
            answer.replayed = response.headers.get("x-sluice-replayed") == "true"
            if answer.status != 200:
                error = json.loads(text).get("error", {})
                answer.code, answer.message = error.get("code") or "", error.get("message") or ""
            elif path.endswith("/execute"):
                answer.failed = json.loads(text).get("is_error") is True
        except (OSError, http.client.HTTPException, ValueError) as failure:
            answer.status, answer.message = 0, f"{type(failure).__name__}: {failure}"
        answer.ended = time.time()
        return answer

    def execute(self, call, **options):
        answer = self.post("/v1/mcp/tool/execute", call.body(), **options)
        call.answers.append(answer)
        return answer

    def chat(self, content, stream=False, **options):
        body = {"model": MODEL, "messages": [{"role": "user", "content": content}]}
        if stream:
            body["stream"] = True
        return self.post("/v1/chat/completions", body, **options)


class Load:
    """start() … stop(). Each worker works one request after the other, with a pause between."""

    KINDS = ["effects", "effects", "effects", "reads", "chats", "conversations", "scripts"]

    def __init__(self, stack, prefix, seed=1, pause=0.08, kinds=None):
        self.stack, self.prefix, self.pause = stack, prefix, pause
        self.history = History()
        self.halt = threading.Event()
        self.threads = []
        for number, kind in enumerate(kinds or self.KINDS):
            worker = (Client(stack, f"{prefix}-{number}"), random.Random(f"{seed} {number}"))
            self.threads.append(threading.Thread(target=self.work, args=(getattr(self, kind), *worker), daemon=True))

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.halt.set()
        for thread in self.threads:
            thread.join(ANSWER_SECONDS_MAX * (ATTEMPTS_MAX + 1))
        return self.history

    def work(self, step, client, chance):
        number = 0
        while not self.halt.is_set():
            number += 1
            step(client, chance, f"{client.prefix}-{number}")
            self.halt.wait(self.pause * (0.5 + chance.random()))

    # --- kinds of work ------------------------------------------------------------------------------------------------

    def effects(self, client, chance, token):
        call = Call(token, token, chance.choice(EFFECT_TOOLS), {"token": token})
        self.history.calls.append(call)
        self.carry_out(client, chance, call)

    def reads(self, client, _, token):
        call = Call(token, token, READ_TOOL, {})
        self.history.reads.append(call)
        client.execute(call)

    def chats(self, client, chance, token):
        stream = chance.random() < 0.5
        answer = client.chat(f"Say hello to {token}", stream=stream)
        self.history.chats.append((answer, stream))

    def scripts(self, client, chance, token):
        call = Call(token, token, SCRIPT_TOOL, {"token": token})
        self.history.calls.append(call)
        self.carry_out(client, chance, call)

    def conversations(self, client, chance, token):
        """The model suggests the call, so its id belongs to a chain that other services have to remember."""
        answer = client.chat(f"Write {token} to /ledger/{token}.txt")
        self.history.chats.append((answer, False))
        if answer.status != 200:
            return
        for suggested in json.loads(answer.text)["choices"][0]["message"].get("tool_calls") or []:
            function = suggested["function"]
            call = Call(token, suggested["id"], function["name"], json.loads(function["arguments"]))
            self.history.calls.append(call)
            self.carry_out(client, chance, call)

    def carry_out(self, client, chance, call):
        if chance.random() < 0.05:
            twin = Client(self.stack, f"{call.token}-twin")
            other = threading.Thread(target=twin.execute, args=(call,), kwargs={"door": client.count})
            other.start()
            client.execute(call)
            other.join(ANSWER_SECONDS_MAX + 1)
        for attempt in range(ATTEMPTS_MAX):
            if call.settled():
                break
            client.execute(call)
            if not call.settled():
                self.halt.wait(0.1 * 2 ** attempt * (0.5 + chance.random()))
        if chance.random() < 0.1:
            client.execute(call)
