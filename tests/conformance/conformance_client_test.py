"""The gateway as an MCP client before the official conformance suite: each of its client scenarios is a server that client_driver.mjs
adds to one running Sluice and asks through /mcp. All of those required pass."""

import tempfile
import unittest

from suite import HERE, LEGACY, MODERN, NODE, Run, StackTest, skip_if_missing

DRIVER = HERE / "client_driver.mjs"
REQUIRED = {LEGACY: 18, MODERN: 32}  # scenarios of the suite
SCENARIO_SECONDS_MAX = 120  # all of a revision start at once and wait for each other


class Client(StackTest):
    config = {"mcp": {"client_configs": [], "allow_private_networks_by_api": True}}

    def scenarios(self, revision):
        with tempfile.TemporaryDirectory() as slots:
            run = Run("client", revision, REQUIRED[revision], self.folder, "--command", f"{NODE} {DRIVER}", "--timeout",
                      SCENARIO_SECONDS_MAX * 1000, SLUICE_URL=self.stack.url, SLUICE_KEY=self.stack.key, SLUICE_SLOTS=slots)
        run.show("gateway as client")
        print(f"\nclient: {run.score()} ({revision})", flush=True)
        self.assertEqual(sorted(set(run.scored) - set(run.passing())), [])

    def test_all_legacy_scenarios_pass(self):
        self.scenarios(LEGACY)

    def test_all_modern_scenarios_pass(self):
        self.scenarios(MODERN)


def setUpModule():
    skip_if_missing()


if __name__ == "__main__":
    unittest.main()
