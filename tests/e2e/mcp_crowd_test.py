"""A small crowd of MCP clients whose request ids collide, judged by canaries that servers outside Sluice send back; and the failures
planted afterwards, each of which the same oracle has to find. ./dev prove clients does it at length."""

import shutil
import tempfile
import unittest
from pathlib import Path

from case import PRESET, stack_module

import mcp_crowd

CLIENTS, CALLS = 20, 1000
SEED = 7
PLANTS = 6


class McpCrowd(unittest.TestCase):
    def test_every_answer_reaches_its_call_and_planted_failures_are_found(self):
        parent = stack_module.ROOT / "build" / PRESET / "e2e"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="mcp-crowd-", dir=parent))
        folder.chmod(0o755)
        run = mcp_crowd.Run(folder, SEED, CLIENTS, CALLS, preset=PRESET)

        run.carry_out()

        print(run.report())
        self.assertEqual(run.findings, [], f"logs are in {folder}/logs")
        self.assertEqual(run.verdict.counts["calls"], CALLS)
        self.assertGreater(run.verdict.counts["cancelled"], 0)
        self.assertGreater(run.verdict.counts["progress"], 0)
        self.assertEqual(len(run.plants), PLANTS)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
