"""Pins of tool definitions: every edit of one field quarantines the tool, no other spelling of the same definition does.

The definitions, the edits and what is the same come from json_variety.py; what the gateway does with them, from mcp-connector's hash
to policy-engine's verdict, from the program pin_verdicts. Two planted faults show that what is wrong would be seen.

SLUICE_PIN_SEED: of the random numbers; SLUICE_PIN_COUNT: of edits and of spellings (1,000 each; ./dev prove pins takes 10,000). SLUICE_CATALOGS: folder of recorded
catalogs (one JSON array of tools a file), whose definitions are taken too."""

import json
import os
import subprocess
import time
import unittest
from pathlib import Path

import json_variety as variety

BUILD = Path(os.environ.get("SLUICE_BUILD_DIR", Path(__file__).resolve().parents[2] / "build/dev"))
PROGRAM = next((path for path in BUILD.rglob("pin_verdicts") if path.is_file()), None)
SEED = int(os.environ.get("SLUICE_PIN_SEED", time.time_ns() % 10**9))
COUNT = int(os.environ.get("SLUICE_PIN_COUNT", 1_000))
CATALOGS = os.environ.get("SLUICE_CATALOGS")


def verdicts(pairs, *arguments):
    lines = "".join(json.dumps(pair) + "\n" for pair in pairs)
    done = subprocess.run([str(PROGRAM), *arguments], input=lines.encode(), capture_output=True, timeout=280, check=True)
    out = done.stdout.decode().splitlines()
    assert len(out) == len(pairs), done.stderr.decode()
    return out


def edits(rng, definitions):
    """(what was edited, text of the original, text of the edited one)"""
    for original in definitions:
        path, changed = variety.edit(rng, original)
        yield path, variety.plain(original), variety.plain(changed)


def spellings(rng, definitions):
    for original in definitions:
        text = variety.spelled(rng, original)
        assert variety.same(variety.parse(text), original)
        yield variety.plain(original), text


class PinsOfDefinitions(unittest.TestCase):
    def setUp(self):
        self.assertIsNotNone(PROGRAM, "build pin_verdicts first: ninja -C build/dev pin_verdicts")
        print(f"\nSLUICE_PIN_SEED={SEED}")
        self.rng = variety.generator(SEED)

    def definitions(self, count):
        return [variety.parse(variety.plain(variety.definition(self.rng))) for _ in range(count)]

    def test_every_edit_of_one_field_quarantines(self):
        cases = list(edits(self.rng, self.definitions(COUNT)))
        said = verdicts([pair[1:] for pair in cases])
        missed = [case for case, verdict in zip(cases, said) if verdict != "quarantined"]
        print(f"{len(cases)} edits of one field, {len(cases) - len(missed)} quarantined")
        self.assertEqual(missed[:3], [])

    def test_no_other_spelling_of_a_definition_does(self):
        cases = list(spellings(self.rng, self.definitions(COUNT)))
        said = verdicts(cases)
        alarms = [(case, verdict) for case, verdict in zip(cases, said) if verdict != "runs"]
        print(f"{len(cases)} other spellings, {len(alarms)} false alarms")
        self.assertEqual(alarms[:3], [])

    def test_a_hash_without_annotations_is_seen(self):
        cases = list(edits(self.rng, self.definitions(2_000)))
        said = verdicts([pair[1:] for pair in cases], "--skip-annotations")
        missed = [case[0] for case, verdict in zip(cases, said) if verdict != "quarantined"]
        print(f"planted: {len(missed)} edits of {len(cases)} missed by a hash without annotations")
        self.assertGreater(len(missed), 0)
        self.assertTrue(all(path[:1] in ((), ("annotations",)) for path in missed))

    def test_a_hash_of_the_bytes_is_seen(self):
        cases = list(spellings(self.rng, self.definitions(500)))
        alarms = verdicts(cases, "--hash-bytes").count("quarantined")
        print(f"planted: {alarms} false alarms in {len(cases)} by a hash of bytes")
        self.assertGreater(alarms, len(cases) // 2)

    @unittest.skipUnless(CATALOGS, "SLUICE_CATALOGS is not set to the folder of recorded catalogs")
    def test_definitions_of_published_servers(self):
        files = sorted(Path(CATALOGS).glob("*.json"))
        tools = [variety.parse(variety.plain(tool)) for file in files for tool in variety.parse(file.read_text())]
        again = list(spellings(self.rng, tools * 5))
        changed = list(edits(self.rng, tools * 5))
        alarms = [case for case, verdict in zip(again, verdicts(again)) if verdict != "runs"]
        missed = [case for case, verdict in zip(changed, verdicts([case[1:] for case in changed])) if verdict != "quarantined"]
        print(f"{len(tools)} definitions of {len(files)} servers: {len(again)} other spellings, {len(alarms)} false alarms; "
              f"{len(changed)} edits, {len(changed) - len(missed)} quarantined")
        self.assertEqual((alarms[:3], missed[:3]), ([], []))


if __name__ == "__main__":
    unittest.main()
