"""Scripts in agent mode that would hide a write from whoever looks at them first: none of them writes, neither past the check of their
calls nor where a planted compiler lists no call at all."""

import json
import os
import unittest

from case import StackTest, stack_module

# A compiler that finds nothing wrong and no calls.
FOOLED = "\n{ const real = compile; globalThis.compile = (...all) => ({ ...real(...all), calls: [], escapes: [], diagnostics: [] }); }\n"
# How a script may call the tool, listed or not.
LISTED = {
    "alias": "const write = filesystem.write_file; await write(ARGUMENTS);",
    "part of the server": "const { write_file: w } = filesystem; await w(ARGUMENTS);",
    "name in brackets": 'await filesystem["write_file"](ARGUMENTS);',
    "name in a constant": 'const name = "write_file" as const; await filesystem[name](ARGUMENTS);',
    "function that may not be called": "const later = () => filesystem.write_file(ARGUMENTS); if (Date.now() > 0) await later();",
}
HIDDEN = {
    "computed": 'await (filesystem as any)["write" + "_file"](ARGUMENTS);',
    "reflection": 'await Reflect.get(filesystem, "write_file")(ARGUMENTS);',
    "any": "const all: any = filesystem; await all.write_file(ARGUMENTS);",
    "all tools": "for (const tool of Object.values(filesystem)) await (tool as any)(ARGUMENTS);",
    "through globalThis": 'await (globalThis as any)["file" + "system"].write_file(ARGUMENTS);',
    "errors not shown": "// @ts-ignore\nawait filesystem[`write_${'file'}`](ARGUMENTS);",
    "call of a call": "await filesystem.write_file.call(filesystem, ARGUMENTS);",
    "handed on": "const run = async (f: any) => f(ARGUMENTS); await run(filesystem.write_file);",
}


class Hidden(StackTest):
    """Reads run by themselves; a write needs an approval."""

    config = {"policy": {"preset": "safe"}}

    @classmethod
    def configure(cls, config):
        files = config["mcp"]["client_configs"][0]
        assert files["name"] == "filesystem"
        files["is_code_mode_client"] = True
        files["tools_to_auto_execute"] = ["read_text_file"]

    def setUp(self):
        self.target = self.stack.demo_folder / "hidden.txt"

    def chat(self, code):
        """The answer of the agent loop to a model that sends the script."""
        arguments = json.dumps({"path": str(self.target), "content": "hidden"})
        body = {"model": "demo/assistant", "messages": [{"role": "user", "content": code.replace("ARGUMENTS", arguments)}],
                "tool_choice": {"type": "function", "function": {"name": "executeToolCode"}}}
        status, headers, text = self.stack.request("POST", "/v1/chat/completions", body)
        self.assertEqual(status, 200, text)
        return headers, json.loads(text)

    def told(self, answer):
        """What the model was told of its script."""
        self.assertEqual(answer["sluice"]["stop_reason"], "stop", answer)
        return json.loads(answer["sluice"]["transcript"][1]["content"])


class HiddenCalls(Hidden):
    def test_a_write_that_is_listed_waits(self):
        for name, code in LISTED.items():
            with self.subTest(name):
                _, answer = self.chat(code)
                self.assertEqual(answer["choices"][0]["finish_reason"], "tool_calls", answer)
                [script] = answer["sluice"]["scripts"]
                self.assertEqual([(call["tool"], call["verdict"]) for call in script["call_set"]], [("write_file", "approve")])
                self.assertFalse(self.target.exists())

    def test_a_write_that_cannot_be_listed_is_refused_with_its_place(self):
        for name, code in HIDDEN.items():
            with self.subTest(name):
                error = self.told(self.chat(code)[1])["error"]
                self.assertEqual(error["outcome"], "type_error", error)
                self.assertGreaterEqual(error["line"], 1)
                self.assertTrue(error["hint"], error)
                self.assertFalse(self.target.exists())


@unittest.skipIf(os.environ.get("SLUICE_COMPOSE"), "starts a runner of its own")
class FooledCheck(Hidden):
    def setUp(self):
        super().setUp()
        while self.stack.runners:
            self.stack.runners.pop().stop()
        planted = self.folder / "compiler.js"
        planted.write_text((stack_module.ROOT / "build/dev/bin/compiler.js").read_text() + FOOLED)
        self.stack.start_runner("--compiler-js", str(planted))
        self.stack.wait_runners()

    def test_a_call_that_was_not_listed_is_refused_when_it_is_made(self):
        for name, code in {**LISTED, **HIDDEN}.items():
            with self.subTest(name):
                headers, answer = self.chat(code)
                self.assertIn("not among those that were found in the script", json.dumps(self.told(answer)))
                self.assertFalse(self.target.exists())
                rows = self.wait_for_rows("select rule, outcome from audit.records where action = 'tool.refused' "
                                          f"and chain_id = '{headers['x-sluice-chain']}'", 1)
                self.assertEqual(rows[0], ["script.call_set", "refused"])


if __name__ == "__main__":
    unittest.main()
