"""./dev lint: the repository's own rules, executed. Each rule takes a tree (root folder and file list) and yields findings; each is
tested on a bad sample by lint_test.py. clang-tidy runs on changed files."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LEVELS = [["base"], ["async", "json", "crypto"], ["config", "observability"], ["http", "bus", "redis", "postgres"],
          ["mcp", "grant", "audit", "service"]]
# Third-party headers and the only folders that may include them.
HOMES = [
    (r"nats/|nats\.h", ["common/bus/"]),
    (r"hiredis/", ["common/redis/"]),
    (r"pqxx/", ["common/postgres/"]),
    (r"zmq", ["services/codemode-sandbox/"]),
    (r"seccomp", ["services/codemode-sandbox/runner/"]),
    (r"v8|libplatform/", ["services/codemode-sandbox/runner/v8/"]),
    (r"openssl/", ["common/crypto/", "common/http/", "common/bus/"]),
    (r"boost/asio/ssl", ["common/http/"]),
    (r"boost/beast", ["common/http/"]),
    (r"jsoncons", ["common/json/"]),
    (r"simdjson", ["common/json/"]),
    (r"llhttp", ["common/http/"]),
    (r"spdlog/|fmt/", ["common/observability/"]),
    (r"prometheus/", ["common/observability/"]),
    (r"CLI/", ["common/service/", "common/postgres/", "services/ingress/cli/"]),
    (r"re2/", ["services/policy-engine/"]),
    (r"utf8proc", ["services/policy-engine/domain/"]),
    (r"benchmark/", ["tests/bench/"]),
]
PUBLIC_HEADERS_MAY = re.compile(r"^(boost/asio/\w+\.hpp|boost/asio/\w+/\w+\.hpp|gtest/|gmock/|[a-z_]+$|sys/|[a-z_0-9]+\.h$)")
BANNED = [
    (r"\basio::detached\b", "boost::asio::detached loses errors: use async::TaskGroup", ()),
    (r"\bsteady_clock::now\b|\bsystem_clock::now\b", "time comes from async::Clock", ("common/async/clock.cpp", "common/observability/log.cpp")),
    (r"\bstd::cout\b|\bprintf\s*\(", "write to the log (observability::Log)", ("common/base/check.cpp", "common/postgres/migrate_main.cpp", "common/service/")),
    (r"(?<![\w:.>\"])new\s+[A-Z_a-z:]+[\w<>:]*\s*[({;]", "use std::make_unique", ()),
    (r"(?<![\w_])assert\s*\(", "use SLUICE_CHECK", ()),
    (r"\bsleep_for\s*\(\s*std|this_thread::sleep", "wait with async::sleep_for on a Clock", ()),
    (r"(?<![\w:.>])s?rand\s*\(", "use crypto/random.h or an injected generator", ()),
    (r"\bstd::regex\b", "use re2", ()),
    (r"\bgetenv\b", "settings come from config (config::process_environment)", ("common/config/",)),
    (r"\busing namespace (?!std::chrono_literals|std::string_view_literals|std::literals)", "no using namespace", ()),
]
SAY_NOTHING = re.compile(r"^(utils?|helpers?|misc|manager|stuff|common_.*|.*_(utils?|helpers?|manager))\.")
LINES_MAX, TEST_LINES_MAX, FUNCTION_LINES_MAX, FILE_BYTES_MAX = 500, 800, 70, 100_000
WIRING_LINES_MAX = 120  # serve() of a main.cpp is a list of constructor calls, one field a line
TIDY_FILES_MAX = 24


class Tree:
    def __init__(self, root, files):
        self.root, self.files = Path(root), sorted(files)
        self.cache = {}

    def text(self, file):
        if file not in self.cache:
            self.cache[file] = (self.root / file).read_text(errors="replace")
        return self.cache[file]

    def sources(self, *tops):
        return [f for f in self.files if f.endswith((".cpp", ".h")) and (not tops or f.startswith(tops))]


def repository():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True,
                            check=True).stdout.splitlines()
    return Tree(ROOT, [f for f in listed if (ROOT / f).is_file()])


def is_test(file):
    return file.endswith(("_test.cpp", "_contract.h")) or file.startswith("tests/") or "/testing/" in file or file.startswith("common/testing/")


def without_comments(text):
    """Comments and string contents blanked, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)

    def blank(match):
        kept = re.sub(r"[^\n]", " ", match.group(0))
        return '""' + kept[2:] if match.group(0).startswith(('"', "R")) and len(kept) > 1 else kept
    return pattern.sub(blank, text)


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if found:
            yield number, found.group(1), found.group(2)


def declared_deps(tree, folder):
    """sluice::x names in the folder's CMakeLists.txt."""
    file = f"{folder}/CMakeLists.txt"
    return set(re.findall(r"sluice::(\w+)", tree.text(file))) if file in tree.files else None


def rule_levels(tree):
    """1 levels and DEPS"""
    level_of = {name: number for number, names in enumerate(LEVELS) for name in names}
    for file in tree.sources("common/", "services/"):
        parts = file.split("/")
        if parts[1] in ("testing", "cmake") or is_test(file):
            continue
        deps = declared_deps(tree, "/".join(parts[:2]))
        for number, _, target in includes(tree.text(file)):
            found = re.match(r"common/(\w+)/", target)
            if target.startswith(("tests/", "common/testing/")) or "/testing/" in target:
                yield f"{file}:{number}: product code includes test code {target}"
            elif target.startswith("services/") and target.split("/")[1] != parts[1]:
                yield f"{file}:{number}: services never include each other ({target}); share through proto/ or common/"
            elif found and found.group(1) != parts[1]:
                library = found.group(1)
                if parts[0] == "common" and level_of.get(library, 99) > level_of.get(parts[1], -1):
                    yield f"{file}:{number}: {parts[1]} may not use {library}: it stands on a higher level"
                elif deps is not None and library not in closure(tree, deps):
                    yield f"{file}:{number}: {library} is not in the DEPS of {'/'.join(parts[:2])}/CMakeLists.txt"


def closure(tree, deps):
    seen, todo = set(), list(deps)
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += declared_deps(tree, f"common/{name}") or ()
    return seen


def rule_third_party(tree):
    """2 third-party headers only in their folder"""
    for file in tree.sources("common/", "services/", "proto/"):
        for number, quote, target in includes(tree.text(file)):
            for pattern, homes in HOMES:
                if re.match(pattern, target) and not target.endswith(".pb.h") and quote == "<":
                    if not any(file.startswith(home) for home in homes) and not is_test(file):
                        yield f"{file}:{number}: <{target}> belongs to {' '.join(homes)} only"
                    elif file.endswith(".h") and file.startswith("common/") and not is_test(file) and is_public(tree, file):
                        yield f"{file}:{number}: <{target}> in a public header; keep it in the .cpp"


def is_public(tree, file):
    """A header some other folder includes."""
    folder = "/".join(file.split("/")[:2]) + "/"
    return any(f'"{file}"' in tree.text(f) for f in tree.sources() if not f.startswith(folder))


def rule_sizes(tree):
    """3 file and function size"""
    for file in tree.sources("common/", "services/", "tests/", "proto/"):
        lines = tree.text(file).splitlines()
        bound = TEST_LINES_MAX if is_test(file) else LINES_MAX
        function_bound = WIRING_LINES_MAX if file.endswith("/main.cpp") else FUNCTION_LINES_MAX
        if len(lines) > bound:
            yield f"{file}: {len(lines)} lines (limit {bound}): split it along a real seam"
        start = None
        for number, line in enumerate(lines, 1):
            if start is None:
                opener = re.match(r"^( {0,2})(?! )(?!namespace|class|struct|enum|union|extern|constexpr|inline constexpr|const )"
                                  r".*\)( const)?( noexcept)?( override)?( final)? \{$", line)
                closer = re.match(r"^( {0,2})\)( const)?( noexcept)?( override)?.*\{$", line)
                if (opener or closer) and "TEST" not in line and " = " not in line:
                    start, indent = number, (opener or closer).group(1)
            elif line == indent + "}":
                if number - start > function_bound and not is_test(file):
                    yield f"{file}:{start}: a function of {number - start} lines (limit {function_bound})"
                start = None


def rule_banned(tree):
    """4 banned names and calls"""
    for file in tree.sources("common/", "services/", "proto/"):
        name = file.rsplit("/", 1)[1]
        if SAY_NOTHING.match(name):
            yield f"{file}: the name says nothing; name what is in it"
        code = without_comments(tree.text(file))
        for pattern, replacement, allowed in BANNED:
            if file.startswith(tuple(allowed)) if allowed else False:
                continue
            if is_test(file) and ("Clock" in replacement or "using" in replacement or "re2" in replacement):
                continue
            for found in re.finditer(pattern, code):
                number = code.count("\n", 0, found.start()) + 1
                yield f"{file}:{number}: {found.group(0).strip()}: {replacement}"
        if not file.startswith("common/async/") and not is_test(file):
            for found in re.finditer(r"\bco_spawn\s*\(", code):
                yield f"{file}:{code.count(chr(10), 0, found.start()) + 1}: bare co_spawn: use async::TaskGroup"


def rule_subjects(tree):
    """5 subject strings only in proto/endpoints.h"""
    for file in tree.sources("common/", "services/"):
        if is_test(file) or file.startswith("common/bus/endpoints_dump"):
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            if re.search(r'"sluice\.\w', line) and not line.lstrip().startswith("//"):
                yield f"{file}:{number}: a subject string; it belongs into proto/endpoints.h"


def rule_targets(tree):
    """6 every .cpp in a target, every _test.cpp in a test"""
    for file in [f for f in tree.sources() if f.endswith(".cpp")]:
        if file.startswith("common/cmake/"):
            continue
        folder, covered = Path(file).parent, False
        while str(folder) != ".":
            listing = f"{folder}/CMakeLists.txt"
            if listing in tree.files:
                text = tree.text(listing)
                relative = str(Path(file).relative_to(folder))
                named = re.search(rf"(^|[\s(/\"]){re.escape(relative)}([\s)\"]|$)", text, re.M) is not None
                globbed = "sluice_library(" in text or "sluice_service(" in text
                stem = relative[:-4]
                covered = (named or (relative.endswith("_test.cpp") and globbed)
                           or (relative == "main.cpp" and "sluice_service(" in text)
                           or re.search(rf"\b{re.escape(stem)}\b", text) is not None
                           or ("GLOB" in text and file.startswith("tests/")))
                break
            folder = folder.parent
        if not covered and file != "common/async/asio_impl.cpp":
            yield f"{file}: no CMakeLists.txt names it, so it is never built"


def rule_handler_tests(tree):
    """7 every handler has a test file"""
    for file in tree.files:
        found = re.match(r"(services/[\w-]+/handlers/.+)(?<!_test)\.cpp$", file)
        if found and f"{found.group(1)}_test.cpp" not in tree.files:
            yield f"{file}: has no {found.group(1).rsplit('/', 1)[1]}_test.cpp beside it"


def rule_todo(tree):
    """8 TODO kinds"""
    for file in tree.sources():
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b", line) and not re.search(r"TODO\((perf|security|spec|test|cleanup)\): \S", line):
                yield f"{file}:{number}: write TODO(perf|security|spec|test|cleanup): sentence"


def rule_links(tree):
    """10 markdown links exist"""
    for file in [f for f in tree.files if f.endswith(".md")]:
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" not in target and not (tree.root / Path(file).parent / target).exists():
                    yield f"{file}:{number}: {target} does not exist"


def rule_migrations(tree):
    """11 migration numbers without gaps, owning schema named"""
    files = [f for f in tree.files if re.match(r"migrations/.*\.sql$", f)]
    for expected, file in enumerate(files, 1):
        if not re.match(rf"migrations/{expected:04d}_[a-z0-9_]+\.sql$", file):
            yield f"{file}: expected the number {expected:04d}"
        if not tree.text(file).startswith("--"):
            yield f"{file}: the first line names the owning schema"


def rule_purity(tree):
    """12 no mutex in services, no throw outside adapters"""
    for file in tree.sources("common/", "services/"):
        if is_test(file):
            continue
        code = without_comments(tree.text(file))
        if file.startswith("services/") and "/runner/v8/" not in file and re.search(r"#include <mutex>|\bstd::mutex\b", code):
            yield f"{file}: a mutex; one shard is one thread, pass messages"
        for found in re.finditer(r"(?<!\w)throw\b(?!_)", code):
            if "/adapters/" not in file:
                yield f"{file}:{code.count(chr(10), 0, found.start()) + 1}: throw; return an Error"


def rule_file_bytes(tree):
    """13 no file over 100 kB but corpus"""
    for file in tree.files:
        if "/corpus/" not in file and (tree.root / file).stat().st_size > FILE_BYTES_MAX:
            yield f"{file}: over {FILE_BYTES_MAX} bytes"


def rule_metric_names(tree):
    """14 metric names"""
    for file in tree.sources("common/", "services/"):
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            for name in re.findall(r'(?:counter|gauge|histogram)\(\s*"([^"]+)"', line):
                if not re.fullmatch(r"sluice_[a-z0-9]+(_[a-z0-9]+)*", name):
                    yield f"{file}:{number}: metric {name}: write sluice_<service>_<noun>_<unit>[_total]"


def rule_arrangements(tree):
    """15 nothing names a machine's path or a registry's host"""
    for file in tree.files:
        if file.endswith((".png", ".svg")) or "/corpus/" in file:
            continue
        for number, line in enumerate(tree.text(file).splitlines(), 1):
            if re.search(r"(?<![\w.])/(wor[k]|far[m])/|registry\.npmj[s]|deb\.debia[n]\.org", line):
                yield f"{file}:{number}: names a path or host of one machine"


RULES = [value for name, value in list(globals().items()) if name.startswith("rule_")]


# --- clang-tidy ---------------------------------------------------------------------------------------------------------


def changed_sources(base):
    argv = ["git", "diff", "--name-only", "--diff-filter=d", base, "--", "*.cpp"]
    names = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True).stdout.split()
    untracked = subprocess.run(["git", "ls-files", "-o", "--exclude-standard", "*.cpp"], cwd=ROOT, capture_output=True,
                               text=True).stdout.split()
    return [n for n in [*names, *untracked] if (ROOT / n).exists()]


def compile_database():
    for preset in ("dev", "asan"):
        if (ROOT / "build" / preset / "compile_commands.json").exists():
            return ROOT / "build" / preset
    return None


def tidy(files):
    """Findings of clang-tidy as text, "" when clean. Flags of the precompiled header and of ccache are taken out."""
    folder = compile_database()
    if folder is None or not files:
        return ""
    wanted = {str(ROOT / f) for f in files}
    entries = []
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        if entry["file"] in wanted:
            command = re.sub(r"^.*?(/\S*clang\+\+-19)", r"\1", entry["command"])
            command = re.sub(r"-Winvalid-pch|-Xclang -include(-pch)? -Xclang \S+|-Xclang -fno-pch-timestamp", "", command)
            entry["command"] = command
            entries.append(entry)
    database = folder / "tidy"
    database.mkdir(exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(entries))

    def one(entry):
        done = subprocess.run(["clang-tidy-19", "--quiet", "-p", str(database), entry["file"]], cwd=ROOT, capture_output=True,
                              text=True)
        return done.stdout.strip() if done.returncode != 0 else ""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return "\n".join(filter(None, pool.map(one, entries)))


def has_tests(library):
    return any((ROOT / "common" / library).rglob("*_test.cpp"))


def check_headers(_):
    folder = compile_database()
    failures = 0
    for header in repository().sources("common/", "services/", "proto/"):
        if header.endswith(".h"):
            argv = ["clang++-19", "-std=c++20", "-fsyntax-only", "-I", str(ROOT), "-I", str(folder / "gen"), "-x", "c++",
                    "-DBOOST_ASIO_SEPARATE_COMPILATION", "-I", str(ROOT / "build/deps/usr/include"), str(ROOT / header)]
            failures += subprocess.run(argv).returncode != 0
    print(f"{failures} headers do not compile alone")
    return 1 if failures else 0


def main(arguments):
    tree = repository()
    findings = [f"{line}   [{rule.__doc__}]" for rule in RULES for line in rule(tree)]
    if findings:
        print("\n".join(findings))
    print(f"{len(RULES)} rules over {len(tree.files)} files: {len(findings)} findings")
    files = []
    if "--all" in arguments:
        files = [f for f in tree.sources() if f.endswith(".cpp")]
    elif "--base" in arguments:
        files = changed_sources("HEAD~1")[:TIDY_FILES_MAX]
    elif "--rules" not in arguments:
        files = changed_sources("HEAD")
    report = tidy(files)
    if files:
        print(f"clang-tidy over {len(files)} files: " + ("clean" if not report else "\n" + report))
    return 1 if findings or report else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
