"""What `docker compose up` gives, unchanged: healthy, hardened, every service scaled to two, the README's requests on every ingress, and
a trail that outlives `docker compose down`."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from compose_stack import ComposeStack
from stack import ROOT, RUNNER, SERVICES, StackError

DEMO_FILE = "/srv/demo/hello.txt"
DEMO_TEXT = "Hello from a real file, read through Sluice."
TRAIL_SECONDS_MAX = 60


def readme_requests():
    """The requests of the README's first walk, without the line that sets URL, KEY and FILE."""
    for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.S):
        if "ask()" in block:
            return "\n".join(line for line in block.splitlines() if not line.startswith("URL="))
    raise AssertionError("README.md holds no block with ask()")


class Deployment(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        parent = ROOT / "build" / "compose"
        parent.mkdir(parents=True, exist_ok=True)
        cls.folder = Path(tempfile.mkdtemp(prefix="deployment-", dir=parent))
        cls.stack = ComposeStack(cls.folder, as_shipped=True)
        cls.stack.start()

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def rows(self):
        """Every record by its id."""
        return {row[0]: row[1:] for row in self.stack.sql(
            "select event_id, encode(record_sha256, 'hex'), producer, instance, boot, sequence from audit.records")}

    def settled_rows(self):
        """The records once no outbox is left behind, none is missing in a sequence, and no more arrive. What an audit-writer had
        fetched when it ended comes again after 30 s."""
        deadline = time.monotonic() + TRAIL_SECONDS_MAX
        before = None
        while time.monotonic() < deadline:
            rows = self.rows()
            if rows == before and not self.stack.orphans() and not self.gaps():
                return rows
            before = rows
            time.sleep(1.5)
        self.fail(f"the trail does not come to rest; orphans: {self.stack.orphans()}; missing: {self.gaps()}")

    def gaps(self):
        return self.stack.sql("select * from audit.sequence_gaps")

    def walk(self, port):
        env = dict(os.environ, URL=f"http://127.0.0.1:{port}", KEY=self.stack.key, FILE=DEMO_FILE)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", readme_requests()], env=env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        read, suggestion, result, answer = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
        self.assertIn(DEMO_TEXT, read["choices"][0]["message"]["content"])
        self.assertEqual(suggestion["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "filesystem-write_file")
        self.assertNotIn("is_error", result)
        self.assertIn(result["content"], answer["choices"][0]["message"]["content"])

    def test_1_every_service_runs_twice_and_is_healthy(self):
        print("alone: " + ", ".join(self.stack.wait_healthy()))
        self.stack.up(**{service: 2 for service in [*SERVICES, RUNNER]})
        states = self.stack.wait_healthy()
        print("scaled: " + ", ".join(states))
        self.assertEqual(len(states), 2 * len([*SERVICES, RUNNER]))
        self.stack.wait_runners()
        self.assertEqual(len(set(self.stack.front_doors())), 2)

    def test_2_the_readme_works_on_every_ingress(self):
        doors = self.stack.front_doors()
        self.assertEqual(len(doors), 2)
        for _, port in doors:
            self.walk(port)
            print(f"README's requests answered on port {port}")

    def test_3_no_service_has_rights_or_foreign_secrets(self):
        for service in SERVICES:
            for container in self.stack.services[service]:
                self.assertEqual(container.inspect("{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}"),
                                 "true [ALL] [no-new-privileges:true]", service)
                status = container.execute("cat", "/proc/1/status")
                self.assertRegex(status, r"Uid:\s+10001\s+10001", service)
                self.assertRegex(status, r"CapEff:\s+0+\n", service)
                self.assertRegex(status, r"NoNewPrivs:\s+1\n", service)
                secrets = re.findall(r"\S*_secrets\S*", container.inspect("{{range .Mounts}}{{.Name}} {{end}}"))
                self.assertEqual(secrets, [f"{self.stack.project}_secrets-{service}"])

    def test_4_a_runner_holds_nothing(self):
        for container in self.stack.runners:
            self.assertEqual(container.inspect("{{.HostConfig.NetworkMode}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} "
                                               "{{.HostConfig.SecurityOpt}}"), "none true [ALL] [no-new-privileges:true]")
            self.assertEqual(container.inspect("{{range .Mounts}}{{.Name}} {{end}}").split(), [f"{self.stack.project}_runners"])
            status = container.execute("cat", "/proc/1/status")
            for line in (r"Uid:\s+10001\s+10001", r"CapEff:\s+0+\n", r"NoNewPrivs:\s+1\n"):
                self.assertRegex(status, line)

    def test_5_hostile_native_code_in_a_runners_container_has_nothing(self):
        """The program of codemode_jail_integration_test, under the settings of the runner's own container."""
        intruder = ROOT / "build/dev/services/codemode-sandbox/runner/jail_intruder"
        for options in (("--jail", "executor"), ("--jail", "compiler")):
            told = self.stack.compose("run", "--rm", "-T", "--no-deps", "-v", f"{intruder}:/intruder:ro", "--entrypoint", "/intruder",
                                      "codemode-runner", *options)
            print(told.strip())
            self.assertRegex(told, r"had: 0\n")
            self.assertNotIn("HAD", told)
        with self.assertRaisesRegex(StackError, "HAD unlink the canary, seen outside: files"):
            self.stack.compose("run", "--rm", "-T", "--no-deps", "-v", f"{intruder}:/intruder:ro", "--entrypoint", "/intruder",
                               "codemode-runner", "--plant", "landlock")

    def test_6_the_trail_outlives_down_and_up(self):
        before = self.settled_rows()
        self.assertGreater(len(before), 20)
        self.stack.compose("down")
        self.stack.up()
        self.stack.wait_servers()
        self.walk(self.stack.front_doors()[0][1])
        after = self.settled_rows()
        self.assertEqual({event: after.get(event) for event in before}, before, "a record was lost or changed")
        self.assertGreater(len(after), len(before))
        producers = {row[2] for row in after.values()}
        print(f"{len(before)} records before down, all there among {len(after)} after up; {len(producers)} producer instances, no gap")


if __name__ == "__main__":
    unittest.main()
