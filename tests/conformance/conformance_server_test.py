"""/mcp before the official conformance suite: its server scenarios of both protocol eras, run through the gateway against
fixture_server.mjs, which passes all of them when it is asked directly. Which do not is written down in NOT_PASSING and kept exact.

Without arguments two ways to connect the fixture are tried: over HTTP with both eras, beside nine other servers, and over stdio with the
legacy one; --all tries each transport with each era too."""

import json
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from suite import HERE, LEGACY, MODERN, NODE, NodeServer, Run, StackTest, skip_if_missing

FIXTURE, PROXY = HERE / "fixture_server.mjs", HERE / "key_proxy.mjs"
FAKE = HERE.parent / "support/fake_mcp_server.py"
PACKAGES = HERE.parent / "e2e/node_modules/@modelcontextprotocol"
REQUIRED = {LEGACY: 30, MODERN: 37}  # scenarios of the suite
SCENARIO_SECONDS_MAX = 10
# Required scenarios that do not pass through the gateway, by what the fixture speaks behind it: the questions of a legacy server have no
# keys, and this scenario wants a certain one.
NOT_PASSING = {"legacy": {"input-required-result-basic-elicitation"}, "dual": set(), "modern": set()}


def stdio(name, command, *args):
    return {"name": name, "connection_type": "stdio", "tools_to_execute": ["*"],
            "stdio_config": {"command": str(command), "args": [str(word) for word in args]}}


def nine_others(folder):
    """Published servers, and fakes of both eras with bad manners; their tools, resources and prompts are listed beside the fixture's."""
    fakes = [("--banner",), ("--garbage",), ("--storm",), ("--pages", "--offers", "refused"), ("--era", "modern"),
             ("--era", "dual"), ("--large-catalog", "200000")]
    return [stdio("everything", NODE, PACKAGES / "server-everything/dist/index.js", "stdio"),
            stdio("filesystem", NODE, PACKAGES / "server-filesystem/dist/index.js", folder),
            *(stdio(f"fake{index}", sys.executable, FAKE, *options) for index, options in enumerate(fakes))]


def runs(port, folder, title, at_once=True):
    """{revision: Run} of both revisions, shown. They run at the same time, since both mostly wait; not so where they would share one
    legacy connection: what a server asks on it belongs to the only call under way."""
    options = "--url", f"http://localhost:{port}/mcp", "--timeout", SCENARIO_SECONDS_MAX * 1000
    with ThreadPoolExecutor(len(REQUIRED) if at_once else 1) as pool:
        both = dict(zip(REQUIRED, pool.map(lambda revision: Run("server", revision, REQUIRED[revision], folder, *options), REQUIRED)))
    for run in both.values():
        run.show(title)
    return both


def scores(both):
    return ", ".join(f"{run.score()} ({revision})" for revision, run in both.items())


class ThroughTheGateway(StackTest):
    """The base of one class per transport and era of the fixture, with nine other servers or without."""

    transport = era = None
    others = False

    @classmethod
    def setUpClass(cls):
        cls.fixture = NodeServer(FIXTURE, 0, "--era", cls.era) if cls.transport == "http" else None
        server = {"name": "fixture", "connection_type": cls.transport, "prefix": "", "tools_to_execute": ["*"]}
        if cls.fixture:
            server |= {"connection_string": f"http://127.0.0.1:{cls.fixture.port}/mcp", "allowed_private_networks": ["127.0.0.0/8"]}
        else:
            server |= {"stdio_config": {"command": str(NODE), "args": [str(FIXTURE), "--stdio", "--era", cls.era]}}
        cls.config = {"mcp": {"client_configs": [server] + (nine_others(HERE) if cls.others else [])}}
        try:
            super().setUpClass()
        except BaseException:
            cls.stop_fixture()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.stop_fixture()
        super().tearDownClass()

    @classmethod
    def stop_fixture(cls):
        if cls.fixture:
            cls.fixture.stop()

    def test_1_the_gateway_speaks_the_newest_era_of_the_fixture(self):
        status, _, text = self.stack.request("GET", "/api/mcp/clients")
        self.assertEqual(status, 200, text)
        versions = {client["config"]["name"]: client["protocol_version"] for client in json.loads(text)["clients"]}
        self.assertEqual(len(versions), 10 if self.others else 1)
        self.assertEqual(versions["fixture"], LEGACY if self.era == "legacy" else MODERN)

    def test_2_all_scenarios_pass_but_those_known(self):
        title = f"fixture over {self.transport}, {self.era}" + (", with nine other servers" if self.others else "")
        with NodeServer(PROXY, self.stack.url, SLUICE_KEY=self.stack.key) as proxy:
            both = runs(proxy.port, self.folder, title, at_once=self.era != "legacy")
        print(f"\n{title}, through the gateway: {scores(both)}", flush=True)
        for revision, run in both.items():
            with self.subTest(revision):
                failing = {name for name, ok in run.scored.items() if not ok}
                self.assertEqual(failing, NOT_PASSING[self.era] if revision == MODERN else set())


class Direct(unittest.TestCase):
    def test_the_fixture_itself_passes_every_required_scenario(self):
        with NodeServer(FIXTURE, 0) as fixture, tempfile.TemporaryDirectory() as folder:
            both = runs(fixture.port, Path(folder), "fixture over http, dual, directly")
        print(f"\ndirect: {scores(both)}", flush=True)
        for run in both.values():
            self.assertEqual([name for name, ok in run.scored.items() if not ok], [])


def setUpModule():
    skip_if_missing()


def load_tests(loader, _tests, _pattern):
    ways = [("http", "dual", True), ("stdio", "legacy", False)]
    if ALL:
        ways[1:] = [(transport, era, False) for transport in ("http", "stdio") for era in ("dual", "legacy", "modern")]
    classes = [Direct] + [
        type(f"Conformance{transport.title()}{era.title()}{'Crowd' if others else ''}", (ThroughTheGateway,),
             {"transport": transport, "era": era, "others": others}) for transport, era, others in ways]
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, classes))


ALL = "--all" in sys.argv
if __name__ == "__main__":
    unittest.main(argv=[word for word in sys.argv if word != "--all"])
