"""kill -9 of each service in turn, one replica each, under load. The stack is whole again within 5 s, no record is lost, no effect
doubled; judged as in faults_test.py. And SIGTERM: requests in flight are answered."""

import shutil
import tempfile
import time
import unittest
from pathlib import Path

from case import PRESET, stack_module

import fault_kinds
import faults
from fault_load import Load
from fault_stack import FaultStack

RECOVERY_SECONDS_MAX = 5.0
SEED = 1


class Restart(unittest.TestCase):
    def setUp(self):
        parent = stack_module.ROOT / "build" / PRESET / "e2e"
        parent.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="restart-", dir=parent))
        self.folder.chmod(0o755)

    def test_kill_each_service_in_turn(self):
        cards = [(fault_kinds.KillService, service) for service in stack_module.SERVICES]
        run = faults.Run(self.folder, SEED, len(cards), preset=PRESET, replicas=1, cards=cards, round_sizes=[1])

        run.carry_out()

        print(run.report())
        self.assertEqual(run.findings, [], f"logs are in {self.folder}/logs")
        self.assertEqual(sorted(target for _, target in run.rows), sorted(stack_module.SERVICES))
        for (_, service), row in run.rows.items():
            self.assertLessEqual(max(row.first + row.whole), RECOVERY_SECONDS_MAX, service)
        shutil.rmtree(self.folder, ignore_errors=True)

    def test_terminate_drains(self):
        with FaultStack(self.folder, preset=PRESET, replicas=1) as stack:
            load = Load(stack, "drain", kinds=["effects"], pause=0.02).start()
            time.sleep(0.5)
            code = stack.services["ingress"][0].stop()
            history = load.stop()
            self.assertEqual(code, 0, stack.services["ingress"][0].log_tail())
        answers = [answer for call in history.calls for answer in call.answers]
        self.assertIn(200, {answer.status for answer in answers})
        wrong = [a for a in answers if a.status not in (0, 200, 503) and a.code != "in_progress"]
        self.assertEqual(wrong, [], "answered wrongly during the drain")
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
