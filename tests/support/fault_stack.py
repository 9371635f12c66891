"""The stack of the fault tests: replicas of each service, each with its own TCP gate before each store it uses, MCP servers whose
effects go to a ledger, and stores that can be ended and started again at any time."""

import fcntl
import json
import os
import random
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import ledger_server
import stack as stack_module
import tcp_gate
from fault_load import SCRIPT_SERVER
from stack import RUNNER, SERVICES, Stack, StackError, process_start_time

LEDGER_SERVER = Path(ledger_server.__file__).resolve()
TOOL_SERVERS = ["ledger", "notebook"]  # two, so that replicas of mcp-connector share the leases
STORES_OF = {"audit-writer": ["nats", "postgres"], "policy-engine": ["nats", "postgres"], "mcp-connector": ["nats", "redis"],
             "ingress": ["nats", "redis"], "provider-router": ["nats"], "codemode-sandbox": ["nats"]}
STORES = ["nats", "redis", "postgres"]
# Below the range of outgoing connections: a port there could be taken by a client while its server is down.
QUIET_PORTS = (18000, 32000)
STORE_START_SECONDS_MAX = 30
POLL_SECONDS = 0.02


def quiet_port(taken):
    for _ in range(200):
        port = random.randint(*QUIET_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in taken:
            taken.add(port)
            return port
    raise StackError(f"no free port between {QUIET_PORTS[0]} and {QUIET_PORTS[1]}")


def descendants(pid):
    """Pids of the processes below this one, by /proc."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (OSError, IndexError):
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


class FaultStack(Stack):
    """replicas: one number for all services, or one by service."""

    def __init__(self, folder, preset="dev", replicas=2, config=None):
        counts = {name: replicas for name in [*SERVICES, RUNNER]} if isinstance(replicas, int) else replicas
        super().__init__(folder, preset=preset, replicas=counts, config=config)
        self.ledger = self.folder / "ledger"
        self.postgres_settings = ["track_commit_timestamp=on"]
        self.taken = set()
        self.nats_port, self.nats_monitor_port, self.redis_port, self.postgres_port = (quiet_port(self.taken) for _ in range(4))
        self.gates = {}  # (service, index, store) → Gate
        self.gate_loop = None

    # --- start and stop -----------------------------------------------------------------------------------------------

    def default_config(self):
        config = super().default_config()
        socket_path = self.socket_folder / f".s.PGSQL.{self.postgres_port}"
        arguments = ["-B", str(LEDGER_SERVER), str(self.ledger), "--postgres", str(socket_path)]
        config["mcp"]["client_configs"] = [
            {"name": name, "connection_type": "stdio", "tools_to_execute": ["*"], "trust_annotations": True,
             "stdio_config": {"command": sys.executable, "args": arguments},
             "is_code_mode_client": name == SCRIPT_SERVER} for name in TOOL_SERVERS + [SCRIPT_SERVER]]
        return config

    def write_config(self):
        """One file a replica: each speaks to its stores through its own gates."""
        super().write_config()
        self.gate_loop = tcp_gate.GateLoop()
        targets = {"nats": self.nats_port, "redis": self.redis_port, "postgres": self.postgres_port}
        for service in SERVICES:
            for index in range(self.replicas.get(service, 1)):
                config = json.loads((self.folder / "sluice.json").read_text())
                for store in STORES_OF[service]:
                    gate = tcp_gate.Gate(self.gate_loop, f"{service}-{index + 1} and {store}", quiet_port(self.taken), targets[store])
                    self.gates[service, index, store] = gate
                    if store == "nats":
                        config["bus"]["url"] = f"nats://127.0.0.1:{gate.port}"
                    else:
                        config[store]["port"] = gate.port
                self.config_file(service, index).write_text(json.dumps(config, indent=2) + "\n")

    def config_file(self, service, index):
        return self.folder / f"sluice-{service}-{index + 1}.json"

    def start(self):
        super().start()
        # What the ledger's servers ask for at each effect.
        self.sql("create index if not exists records_by_digest on audit.records (args_digest) where action = 'tool.intent'")
        return self

    def stop(self):
        super().stop()
        if self.gate_loop is not None:
            self.gate_loop.stop()
            self.gate_loop = None

    # --- stores -------------------------------------------------------------------------------------------------------

    def end_store(self, store, clean):
        child = self.children[store]
        if clean:
            return child.stop(stack_module.signal.SIGINT if store == "postgres" else stack_module.STOP_SIGNAL)
        child.kill()
        return child.popen.returncode

    def begin_store(self, store):
        """Starts it again on its old port and data. Postgres waits for the last processes of the killed one."""
        start = {"nats": self.start_nats, "redis": self.start_redis, "postgres": self.start_postgres}[store]
        deadline = time.monotonic() + STORE_START_SECONDS_MAX
        while True:
            try:
                return start()
            except StackError:
                if self.children[store].alive() or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    # --- what is running ----------------------------------------------------------------------------------------------

    def every_service(self):
        """(service, index, child) of each replica."""
        return [(service, index, child) for service in SERVICES for index, child in enumerate(self.services.get(service, []))]

    def begin_runner(self, index):
        """Starts the runner of that index again."""
        child = self.start_runner()
        self.runners.pop()
        self.runners[index] = child

    def zygotes(self, kind):
        """Pids of the warm processes of this kind that runners fork their children from."""
        return [pid for pid in self.below_runners() if is_zygote(pid, kind)]

    def script_children(self):
        """Pids of the processes that run a script, or type-strip one, now."""
        zygotes = {pid for kind in ("compiler", "executor") for pid in self.zygotes(kind)}
        return [pid for zygote in zygotes for pid in descendants(zygote) if pid not in zygotes]

    def below_runners(self):
        return [pid for child in self.runners if child.alive() for pid in descendants(child.pid)]

    def ready(self, service, index):
        """None when the replica is ready, or why it is not."""
        child = self.services[service][index]
        try:
            port = json.loads(self.port_file(child).read_text())["ports"]["health"]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as response:
                return None if response.status == 200 else f"answers {response.status}"
        except urllib.error.HTTPError as error:
            return error.read().decode(errors="replace").strip() or f"answers {error.code}"
        except (OSError, KeyError, ValueError) as error:
            return str(error) or "is not reachable"

    def front_doors(self):
        """(host, port) of each ingress that has published one."""
        doors = []
        for child in self.services["ingress"]:
            try:
                doors.append(("127.0.0.1", json.loads(self.port_file(child).read_text())["ports"]["http"]))
            except (OSError, KeyError, ValueError):
                pass
        return doors

    def tool_processes(self):
        """Pids of the MCP servers, below whichever connector leases them."""
        pids = []
        for child in self.services["mcp-connector"]:
            if child.alive():
                pids += [pid for pid in descendants(child.pid) if str(LEDGER_SERVER).encode() in command_line(pid)]
        return pids

    def orphans(self):
        """Outbox directories that no running instance holds."""
        return [path for path in (self.folder / "outbox").glob("*/*") if path.is_dir() and not is_locked(path)]


def is_locked(folder):
    """Whether a running instance holds this outbox directory."""
    try:
        descriptor = os.open(folder / "lock", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def is_zygote(pid, kind):
    words = command_line(pid)
    return b"--zygote" in words and words[words.index(b"--zygote") + 1] == kind.encode()


def process_state(pid):
    """The letter of /proc/<pid>/stat, or None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return None


def is_gone(pid, started):
    return process_start_time(pid) != started
