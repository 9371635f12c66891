"""The faults, each a thread of its own: it happens, lasts, and is lifted. A fault has fired only when it was seen to: the process
lived before and is gone or stopped after, the connection was there and was cut, bytes came while they were held back."""

import os
import signal
import threading
import time

import stack as stack_module
from fault_stack import STORES, STORES_OF, command_line, descendants, process_state
from stack import SERVICES, process_start_time

PAUSE_SECONDS = (1.0, 6.0)  # the lease of mcp-connector lasts 3 s: a paused holder wakes after it was taken over
DOWN_SECONDS = (0.0, 2.0)
REFUSE_SECONDS = (0.5, 3.0)
SEEN_SECONDS_MAX = 5.0


def until(condition, seconds=SEEN_SECONDS_MAX):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Fault(threading.Thread):
    """kind and target name it in the table; touches: what it has for itself while it lasts."""

    kind = ""

    def __init__(self, stack, target, chance, delay=0.0):
        super().__init__(daemon=True)
        self.stack, self.target, self.delay = stack, target, delay
        self.choice, self.seconds = chance.random(), self.lasting(chance)
        self.fired, self.seen, self.findings = False, "it did not happen", []
        self.began = self.ended = 0.0

    def lasting(self, _):
        return 0.0

    def touches(self):
        return {self.target}

    def run(self):
        time.sleep(self.delay)
        self.began = time.time()
        try:
            self.happen()
        except Exception as error:  # told with the others, and the run fails
            self.findings.append(f"{self}: {type(error).__name__}: {error}")
        self.ended = time.time()

    def pick(self, several):
        return several[int(self.choice * len(several))]

    def __str__(self):
        return f"{self.kind} {self.target}" + (f" for {self.seconds:.1f} s" if self.seconds else "")


class ServiceFault(Fault):
    def __init__(self, stack, service, chance, delay=0.0):
        super().__init__(stack, service, chance, delay)
        self.index = int(self.choice * len(stack.services[service]))

    def touches(self):
        return {(self.target, self.index)}

    @property
    def child(self):
        return self.stack.services[self.target][self.index]


class KillService(ServiceFault):
    kind = "kill -9"

    def lasting(self, chance):
        return chance.uniform(0.0, 0.5)

    def happen(self):
        child = self.child
        if not child.alive():
            return
        child.kill()
        self.fired = child.popen.returncode == -signal.SIGKILL
        self.seen = f"pid {child.pid} ended by {child.popen.returncode}"
        time.sleep(self.seconds)
        self.stack.start_service(self.target, index=self.index)


class StopService(ServiceFault):
    kind = "restart"

    def happen(self):
        child = self.child
        if not child.alive():
            return
        code = child.stop()
        self.fired, self.seen = code is not None, f"pid {child.pid} ended with {code}"
        if code is None:
            self.findings.append(f"{self.target} did not end within {stack_module.STOP_SECONDS_MAX} s after SIGTERM")
        elif code < 0:
            self.findings.append(f"{self.target} ended by signal {-code} after SIGTERM")
        self.stack.start_service(self.target, index=self.index)


class Pausing:
    """SIGSTOP and SIGCONT of whole processes."""

    def lasting(self, chance):
        return chance.uniform(*PAUSE_SECONDS)

    def pause(self, pids):
        started = {pid: process_start_time(pid) for pid in pids}
        started = {pid: start for pid, start in started.items() if start is not None}
        try:
            for pid in started:
                self.send(pid, started, signal.SIGSTOP)
            stopped = until(lambda: all(process_state(pid) in ("T", None) for pid in started))
            time.sleep(self.seconds)
            still = [pid for pid in started if process_state(pid) == "T"]
            self.fired, self.seen = stopped and bool(still), f"stopped: {still}"
        finally:
            for pid in started:
                self.send(pid, started, signal.SIGCONT)

    @staticmethod
    def send(pid, started, number):
        if process_start_time(pid) == started[pid]:
            os.kill(pid, number)


class PauseService(Pausing, ServiceFault):
    kind = "SIGSTOP"

    def happen(self):
        if self.child.alive():
            self.pause([self.child.pid])


class ToolFault(Fault):
    def __init__(self, stack, _, chance, delay=0.0):
        super().__init__(stack, "MCP server", chance, delay)


class KillTool(ToolFault):
    kind = "kill -9"

    def happen(self):
        pids = self.stack.tool_processes()
        if not pids:
            return
        pid = self.pick(pids)
        started = process_start_time(pid)
        os.kill(pid, signal.SIGKILL)
        self.fired = started is not None and until(lambda: process_start_time(pid) != started)
        self.seen = f"pid {pid} is gone"


class PauseTool(Pausing, ToolFault):
    kind = "SIGSTOP"

    def happen(self):
        pids = self.stack.tool_processes()
        if pids:
            self.pause([self.pick(pids)])


class RunnerFault(Fault):
    """target: codemode-runner, or what it starts."""

    def __init__(self, stack, target, chance, delay=0.0):
        super().__init__(stack, target, chance, delay)
        self.index = int(self.choice * len(stack.runners))

    def touches(self):
        return {("codemode-runner", self.index)}


class KillRunner(RunnerFault):
    kind = "kill -9"

    def happen(self):
        child = self.stack.runners[self.index]
        if not child.alive():
            return
        child.kill()
        self.fired = child.popen.returncode == -signal.SIGKILL
        self.seen = f"pid {child.pid} ended by {child.popen.returncode}"
        self.stack.begin_runner(self.index)


class StopRunner(RunnerFault):
    kind = "restart"

    def happen(self):
        child = self.stack.runners[self.index]
        if not child.alive():
            return
        code = child.stop()
        self.fired, self.seen = code is not None, f"pid {child.pid} ended with {code}"
        if code != 0:
            self.findings.append(f"codemode-runner ended with {code} after SIGTERM")
        self.stack.begin_runner(self.index)


class PauseRunner(Pausing, RunnerFault):
    kind = "SIGSTOP"

    def happen(self):
        child = self.stack.runners[self.index]
        if child.alive():
            self.pause([child.pid])


class KillBelowRunner(RunnerFault):
    """A zygote, or a child with a script in it: its runner has to notice and go on."""

    kind = "kill -9"

    def touches(self):
        return {("codemode-runner", index) for index in range(len(self.stack.runners))}

    def happen(self):
        deadline = time.monotonic() + SEEN_SECONDS_MAX
        while not self.fired and time.monotonic() < deadline:
            pids = self.stack.script_children() if self.target == "script" else self.stack.zygotes(self.target.split(" ")[0])
            started = {pid: process_start_time(pid) for pid in pids}
            alive = [pid for pid, start in started.items() if start is not None]
            if alive:
                self.end(self.pick(alive), started)
            time.sleep(0.01)

    def end(self, pid, started):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.fired = until(lambda: process_start_time(pid) != started[pid])
        self.seen = f"pid {pid} is gone"


class KillStore(Fault):
    kind = "kill -9"
    clean = False

    def lasting(self, chance):
        return chance.uniform(*DOWN_SECONDS)

    def happen(self):
        child = self.stack.children[self.target]
        if not child.alive():
            return
        code = self.stack.end_store(self.target, self.clean)
        self.fired, self.seen = child.popen.poll() is not None, f"pid {child.pid} ended with {code}"
        time.sleep(self.seconds)
        self.stack.begin_store(self.target)


class RestartStore(KillStore):
    kind = "restart"
    clean = True


class PauseStore(Pausing, Fault):
    kind = "SIGSTOP"

    def happen(self):
        child = self.stack.children[self.target]
        if child.alive():
            self.pause([child.pid, *descendants(child.pid)])


class KillBackend(Fault):
    """Postgres restarts all its sessions when one of them is killed."""

    kind = "kill -9"

    def __init__(self, stack, _, chance, delay=0.0):
        super().__init__(stack, "Postgres session", chance, delay)

    def touches(self):
        return {"postgres"}

    def happen(self):
        server = self.stack.children["postgres"]
        pids = [pid for pid in descendants(server.pid) if b" sluice 127.0.0.1" in command_line(pid)[0]]
        if not pids:
            return
        pid = self.pick(pids)
        started = process_start_time(pid)
        os.kill(pid, signal.SIGKILL)
        self.fired = started is not None and until(lambda: process_start_time(pid) != started)
        self.seen = f"session {pid} is gone"


class LinkFault(Fault):
    """target: (service, store)."""

    def __init__(self, stack, target, chance, delay=0.0):
        super().__init__(stack, target, chance, delay)
        service, store = target
        self.target = f"{service} - {store}"
        index = int(self.choice * len(stack.services[service]))
        self.gate, self.replica = stack.gates[service, index, store], (service, index)

    def touches(self):
        return {self.replica, self.gate.name}


class CutLink(LinkFault):
    kind = "cut"

    def happen(self):
        count = self.gate.cut()
        self.fired, self.seen = count > 0, f"{count} connections cut"


class RefuseLink(LinkFault):
    kind = "cut, refused"

    def lasting(self, chance):
        return chance.uniform(*REFUSE_SECONDS)

    def happen(self):
        self.gate.refuse(True)
        try:
            count = self.gate.cut()
            self.fired, self.seen = count > 0, f"{count} connections cut"
            time.sleep(self.seconds)
        finally:
            self.gate.refuse(False)


class HoldLink(LinkFault):
    kind = "blackhole"
    directions = ("out", "back")

    def lasting(self, chance):
        return chance.uniform(*PAUSE_SECONDS)

    def happen(self):
        count = self.gate.connections()
        self.gate.hold(self.directions)
        try:
            time.sleep(self.seconds)
        finally:
            held = self.gate.release()
        self.fired, self.seen = count > 0 and held > 0, f"{count} connections, {held} bytes held"


class HoldLinkOut(HoldLink):
    kind = "blackhole out"
    directions = ("out",)


class HoldLinkBack(HoldLink):
    kind = "blackhole back"
    directions = ("back",)


class MuteLink(HoldLink):
    """The connection is reset, and on the new one nothing reaches the store: its login runs into the store's own timeout."""

    kind = "cut, muted"

    def happen(self):
        count = self.gate.cut()
        self.gate.hold(("out",), connecting=True)
        try:
            time.sleep(self.seconds)
        finally:
            held = self.gate.release()
        self.fired, self.seen = count > 0 and held > 0, f"{count} connections cut, {held} bytes held"


def deck():
    """Every kind with every target once: (class, target). Processes count twice: their kinds are the rarer ones."""
    links = [(service, store) for service in SERVICES for store in STORES_OF[service]]
    processes = [(kind, service) for service in SERVICES for kind in (KillService, StopService, PauseService)]
    processes += [(kind, store) for store in STORES for kind in (KillStore, RestartStore, PauseStore)]
    processes += [(kind, "codemode-runner") for kind in (KillRunner, StopRunner, PauseRunner)]
    processes += [(KillBelowRunner, target) for target in ("compiler zygote", "executor zygote", "script")]
    processes += [(KillTool, None), (PauseTool, None), (KillBackend, None)]
    cuts = (CutLink, RefuseLink, MuteLink, HoldLink, HoldLinkOut, HoldLinkBack)
    return processes * 2 + [(kind, link) for link in links for kind in cuts]
