"""Runs tests/e2e/abuse, the intruder on NATS, against a stack, and judges what came of it: by what a server outside Sluice noted, by
Postgres as its superuser sees it, and by nats-server's own log."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import reconcile
import stack as stack_module

LEDGER_SERVER = stack_module.ROOT / "tests/support/ledger_server.py"
# Callers of the test: id, roles, and the servers its key names.
CALLERS = {"user": (["caller"], ["ledger", "locked"]), "other": (["caller"], None), "carol": (["approver"], None)}
TOLD_SECONDS_MAX = 10

Step = namedtuple("Step", "name expected shown got")


def key_of(name):
    return f"sk-sl-intruder-{name}"


def add_callers(config):
    for name, (roles, servers) in CALLERS.items():
        config["auth"]["keys"].append({"id": name, "sha256": hashlib.sha256(key_of(name).encode()).hexdigest(), "roles": roles,
                                       **({"servers": servers} if servers else {})})


def ledger_config(name, ledger, **members):
    return {"name": name, "connection_type": "stdio", "tools_to_execute": ["*"],
            "stdio_config": {"command": sys.executable, "args": [str(LEDGER_SERVER), str(ledger)]}, **members}


class Intruder:
    def __init__(self, stack, preset):
        self.stack = stack
        self.program = stack_module.ROOT / "build" / preset / "tests/e2e/grant_abuse"
        self.forger = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], check=True, capture_output=True, text=True).stdout

    @property
    def forger_public(self):
        return subprocess.run(["openssl", "pkey", "-pubout"], input=self.forger, check=True, capture_output=True, text=True).stdout

    def environment(self, user="ingress", **more):
        env = {"NATS_URL": f"nats://127.0.0.1:{self.stack.nats_port}", "NATS_USER": user,
               "NATS_PASSWORD": self.stack.secret(user, "nats.password"), "KEY": key_of("user"), "OTHER_KEY": key_of("other"),
               "APPROVER_KEY": key_of("carol"), "FORGER_PEM": self.forger,
               "TOKEN_SIGNING_PEM": self.stack.secret("policy-engine", "token-signing.pem"),
               "GRANT_SIGNING_PEM": self.stack.secret("policy-engine", "grant-signing.pem"), **more}
        return {**os.environ, **{"ABUSE_" + name: value for name, value in env.items()}}

    def run(self, mode, user="ingress", seconds=240):
        return subprocess.run([str(self.program), mode], env=self.environment(user), capture_output=True, text=True, timeout=seconds)

    def steps(self, mode):
        done = self.run(mode)
        if done.returncode != 0:
            raise AssertionError(f"{mode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return [Step(*line.split()) for line in done.stdout.splitlines()]

    def hold(self, go, arguments, tool="ledger-append", approval="", decision="", call="held"):
        """A grant in somebody's hand. Its process waits for the file `go`."""
        return Held(subprocess.Popen([str(self.program), "hold"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                     env=self.environment(GO=str(go), ARGUMENTS=json.dumps(arguments, sort_keys=True, separators=(",", ":")),
                                                          TOOL=tool, APPROVAL=approval, DECISION=decision, CALL=call)), Path(go))


class Held:
    def __init__(self, process, go):
        self.process, self.go = process, go
        first = process.stdout.readline().split()
        if not first or first[0] != "held":
            out, errors = process.communicate(timeout=10)
            raise AssertionError(f"no grant: {' '.join(first)} {out} {errors}")
        self.grant_id = first[3]

    def send(self, seconds=30):
        """The code the late request came to."""
        self.go.write_text("")
        out, errors = self.process.communicate(timeout=seconds)
        words = out.split()
        if not words or words[0] != "sent":
            raise AssertionError(f"not sent: {out} {errors}")
        return words[3]

    def kill(self):
        self.process.kill()
        self.process.communicate(timeout=10)


def snapshot(stack):
    """What an intruder must not change, as text."""
    tables = [row[0] for row in stack.sql(
        "select table_schema || '.' || table_name from information_schema.tables where (table_schema, table_name) in "
        "(('connector','servers'), ('connector','tokens'), ('policy','keys'), ('policy','pins'), ('policy','versions'), "
        "('policy','approvals'), ('policy','approval_answers')) order by 1")]
    return {table: sorted(map(str, stack.sql(f"select t::text from {table} t"))) for table in tables}


def wait_for(condition, seconds=TOLD_SECONDS_MAX):
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


def judge(stack, steps, ledgers):
    """What is wrong, as texts. ledgers: files in which every effect begins with "control"."""
    faults = [f"{step.name} came to {step.got}, not {step.expected}" for step in steps if step.got not in step.expected.split("|")]
    for ledger in ledgers:
        tokens = [effect["token"] for effect in reconcile.read_ledger(ledger)]
        faults += [f"an effect nobody had the right to: {token}" for token in tokens if not token.startswith("control-")]
        faults += [f"an effect twice: {token}" for token in set(tokens) if tokens.count(token) > 1]
    refused = {step.name for step in steps if step.shown == "trail"}

    def missing():
        rows = stack.sql("select request_id from audit.records where action = 'tool.refused' and coalesce(reason, '') <> '' "
                         "and outcome is not null")
        return refused - {row[0].removeprefix("req_") for row in rows}
    wait_for(lambda: not missing())
    faults += [f"not in the trail: {name}" for name in sorted(missing())]
    told = stack.log("nats").count("Violation")
    wanted = sum(step.shown == "server" for step in steps)
    if told < wanted:
        faults.append(f"nats-server told of {told} violations, not of {wanted}")
    forgeries = sum(step.shown == "rejected" for step in steps)
    if forgeries and not wait_for(lambda: int(stack.sql("select count(*) from audit.rejected")[0][0]) >= forgeries):
        faults.append(f"audit.rejected has fewer than {forgeries} rows")
    if (count := int(stack.sql("select count(*) from audit.records where tool_call_id = 'forged'")[0][0])):
        faults.append(f"{count} forged records are in the trail")
    return faults
