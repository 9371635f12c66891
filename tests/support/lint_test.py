"""Each rule of lint.py catches its bad sample and passes its good one."""

import tempfile
import unittest
from pathlib import Path

import lint


def findings(rule, **files):
    """Findings of one rule over a tree of {path with __ for / and _dot_ for .: text}."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for key, text in files["tree"].items():
            path = Path(folder) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            names.append(key)
        return list(rule(lint.Tree(folder, names)))


BAD = [
    (lint.rule_levels, {"common/base/a.h": '#include "common/bus/bus.h"\n', "common/base/CMakeLists.txt": ""}),
    (lint.rule_levels, {"common/http/a.cpp": '#include "common/json/parse.h"\n',
                        "common/http/CMakeLists.txt": "sluice_library(http SRCS a.cpp DEPS sluice::base)"}),
    (lint.rule_levels, {"services/ingress/a.cpp": '#include "services/policy-engine/config.h"\n'}),
    (lint.rule_third_party, {"services/ingress/a.cpp": "#include <pqxx/pqxx>\n"}),
    (lint.rule_third_party, {"common/json/parse.h": "#include <jsoncons/json.hpp>\n",
                             "common/http/b.cpp": '#include "common/json/parse.h"\n'}),
    (lint.rule_sizes, {"common/base/a.cpp": "int x;\n" * 501}),
    (lint.rule_sizes, {"common/base/a.cpp": "void f() {\n" + "  g();\n" * 90 + "}\n"}),
    (lint.rule_banned, {"common/base/a.cpp": "auto x = new Thing(1);\n"}),
    (lint.rule_banned, {"common/base/a.cpp": "auto t = std::chrono::steady_clock::now();\n"}),
    (lint.rule_banned, {"services/ingress/a.cpp": "boost::asio::co_spawn(loop, f(), boost::asio::detached);\n"}),
    (lint.rule_banned, {"common/base/string_utils.cpp": ""}),
    (lint.rule_banned, {"common/base/a.cpp": 'auto v = std::getenv("X");\n'}),
    (lint.rule_subjects, {"services/ingress/a.cpp": 'auto s = "sluice.policy.v1.decide";\n'}),
    (lint.rule_targets, {"common/base/a.cpp": "", "common/base/CMakeLists.txt": "sluice_library(base SRCS b.cpp)"}),
    (lint.rule_handler_tests, {"services/ingress/handlers/chat.cpp": ""}),
    (lint.rule_todo, {"common/base/a.cpp": "// TODO: later\n"}),
    (lint.rule_links, {"README.md": "[x](missing.md)\n"}),
    (lint.rule_migrations, {"migrations/0002_a.sql": "-- schema audit\n"}),
    (lint.rule_purity, {"services/ingress/domain/a.cpp": "#include <mutex>\n"}),
    (lint.rule_purity, {"services/ingress/domain/a.cpp": "throw 1;\n"}),
    (lint.rule_file_bytes, {"a.bin": "x" * 100_001}),
    (lint.rule_metric_names, {"common/base/a.cpp": 'metrics.counter("Requests", "x");\n'}),
    (lint.rule_arrangements, {"a.md": "see /wor" + "k/x\n"}),
]
GOOD = [
    (lint.rule_levels, {"common/http/a.cpp": '#include "common/base/result.h"\n',
                        "common/http/CMakeLists.txt": "sluice_library(http SRCS a.cpp DEPS sluice::base)"}),
    (lint.rule_banned, {"common/base/a.cpp": '// new Thing( and steady_clock::now\nauto s = "printf(";\nint renew (1);\n'}),
    (lint.rule_sizes, {"common/base/a.cpp": "namespace a {\n" + "int x;\n" * 90 + "}\n"}),
    (lint.rule_targets, {"common/base/a_test.cpp": "", "common/base/CMakeLists.txt": "sluice_library(base SRCS b.cpp)"}),
    (lint.rule_todo, {"common/base/a.cpp": "// TODO(perf): keep the buffer.\n"}),
]


class Rules(unittest.TestCase):
    def test_each_bad_sample_is_caught(self):
        for rule, tree in BAD:
            with self.subTest(rule.__doc__, sample=next(iter(tree))):
                self.assertTrue(findings(rule, tree=tree), tree)

    def test_each_good_sample_passes(self):
        for rule, tree in GOOD:
            with self.subTest(rule.__doc__):
                self.assertEqual(findings(rule, tree=tree), [])

    def test_every_rule_has_a_bad_sample(self):
        self.assertEqual({r.__name__ for r in lint.RULES}, {r.__name__ for r, _ in BAD})


if __name__ == "__main__":
    unittest.main()
