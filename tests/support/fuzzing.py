"""./dev fuzz: libFuzzer over the targets of tests/fuzz. Finds are minimised by libFuzzer and copied into the committed corpus."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMOKE_SECONDS_TOTAL = 60
INPUT_BYTES_MAX = 1 << 16


def targets():
    folder = ROOT / "build" / "fuzz" / "tests" / "fuzz"
    return sorted(p for p in folder.glob("fuzz_*") if p.is_file() and not p.suffix)


def run(program, seconds):
    """(exit code, last lines). New inputs go to build/fuzz/found/<target>, crashes beside them."""
    name = program.name.removeprefix("fuzz_")
    corpus = ROOT / "tests" / "fuzz" / "corpus" / name
    work = ROOT / "build" / "fuzz" / "found" / name
    for folder in (corpus, work):
        folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(program), str(work), str(corpus), f"-max_total_time={seconds}", f"-max_len={INPUT_BYTES_MAX}", "-timeout=5",
         "-rss_limit_mb=1024", f"-artifact_prefix={work}/", "-print_final_stats=1", "-verbosity=0"],
        capture_output=True, text=True, errors="replace")
    return done.returncode, done.stderr


def main(arguments, build):
    build("fuzz", ["fuzz_targets"])
    programs = {p.name.removeprefix("fuzz_"): p for p in targets()}
    if arguments[:1] == ["smoke"]:
        seconds = max(2, SMOKE_SECONDS_TOTAL // max(1, len(programs) - 1))
        for name, program in programs.items():
            code, text = run(program, 2 if name == "canary" else seconds)
            if name == "canary":
                if code == 0:
                    sys.exit("fuzz: the canary did not crash, so the fuzzers would not notice a crash either")
                print("  canary: crashed, as it must")
                continue
            executed = [line for line in text.splitlines() if "number_of_executed_units" in line]
            print(f"  {name}: {executed[0].split()[-1] if executed else '?'} inputs in {seconds} s")
            if code != 0:
                sys.exit(f"fuzz: {name} failed:\n{text[-4000:]}")
        return
    if not arguments or arguments[0] not in programs:
        sys.exit("fuzz: name smoke or one of: " + ", ".join(programs))
    seconds = int(arguments[1]) if len(arguments) > 1 else 60
    code, text = run(programs[arguments[0]], seconds)
    print(text[-4000:])
    if code == 0:
        merge(programs[arguments[0]], arguments[0])
    sys.exit(code)


def merge(program, name):
    """Adds what widened the coverage to the committed corpus, smallest inputs first."""
    corpus = ROOT / "tests" / "fuzz" / "corpus" / name
    subprocess.run([str(program), "-merge=1", "-verbosity=0", str(corpus), str(ROOT / "build/fuzz/found" / name)], check=False)
