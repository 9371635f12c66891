"""A few faults of each family under load, judged by the ledger of a server outside Sluice; and the failures planted afterwards, each
of which the same oracle has to find. ./dev prove faults does it at length."""

import shutil
import tempfile
import unittest
from pathlib import Path

from case import PRESET, stack_module

import fault_kinds
import faults

CARDS = [
    (fault_kinds.KillService, "mcp-connector"),
    (fault_kinds.PauseService, "mcp-connector"),
    (fault_kinds.KillTool, None),
    (fault_kinds.KillStore, "nats"),
    (fault_kinds.KillStore, "postgres"),
    (fault_kinds.RestartStore, "redis"),
    (fault_kinds.CutLink, ("policy-engine", "nats")),
    (fault_kinds.HoldLink, ("audit-writer", "postgres")),
]
REPLICAS = {"mcp-connector": 2}  # a paused holder of a lease needs somebody who takes it over
SEED = 7


class Faults(unittest.TestCase):
    def test_no_promise_is_broken_and_planted_failures_are_found(self):
        parent = stack_module.ROOT / "build" / PRESET / "e2e"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="faults-", dir=parent))
        folder.chmod(0o755)
        run = faults.Run(folder, SEED, len(CARDS), preset=PRESET, replicas=REPLICAS, cards=CARDS)

        run.carry_out()

        print(run.report())
        self.assertEqual(run.findings, [], f"logs are in {folder}/logs")
        self.assertGreaterEqual(run.fired, len(CARDS))  # the last round may hold more than were left
        self.assertGreater(run.verdict.counts["executions 200"], len(CARDS))
        self.assertEqual(len(run.plants), len(faults.fault_plants.PLANTS))
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
