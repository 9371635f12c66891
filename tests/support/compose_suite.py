"""./dev compose-test: makes the images, and runs the end-to-end tests and the tests of the deployment itself against docker-compose.yml."""

import os
import re
import subprocess
import sys
import time

import compose_stack
from stack import ROOT

# What needs the processes of a local stack: faults by signal and TCP gates. Replicas, kills and restarts of containers are in tests/compose.
OUT_OF_REACH = "its MCP servers or other programs run on this machine, out of the containers' reach"
LOCAL_ONLY = {"restart_test.py": "kills local processes by pid; replicas_test.py does it with containers",
              "faults_test.py": "pauses local processes and cuts their links; ./dev prove faults",
              **{f"{name}_test.py": OUT_OF_REACH for name in (
                  "approvals", "catalogs", "http_server", "inspector", "isolation", "live_servers", "manage_servers", "mcp_access",
                  "mcp_clients", "mcp_crowd", "mcp_talk", "oauth", "sharing", "grant_use", "cli")},
              "rotation_test.py": "it changes secrets as files"}
TEST_SECONDS_MAX = 1200


def images(env):
    for override in ([], ["-f", str(compose_stack.OVERRIDE)]):
        names = ["mcp-connector"] if override else []
        done = subprocess.run(["docker", "compose", "-p", compose_stack.PROJECT, "-f", "docker-compose.yml", *override, "build", *names],
                              cwd=ROOT, env=env)
        if done.returncode != 0:
            sys.exit("./dev compose-test: the images could not be built")


def one(file, env):
    """(tests that ran, whether all passed)"""
    done = subprocess.run([sys.executable, "-B", str(file), "-v"], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=TEST_SECONDS_MAX)
    print(done.stdout, flush=True)
    ran = re.findall(r"^Ran (\d+) tests?", done.stdout, re.M)
    return int(ran[-1]) if ran else 0, done.returncode == 0 and bool(ran)


def main(arguments):
    env = dict(os.environ, SLUICE_COMPOSE="1", SLUICE_TEST_FOLDER=str(ROOT), SLUICE_TEST_SUPPORT=str(ROOT / "tests/support"),
               SLUICE_PRESET="dev", PYTHONPATH=os.pathsep.join([str(ROOT / "tests/e2e"), str(ROOT / "tests/support")]))
    start = time.monotonic()
    images(env)
    rows = [("images", time.monotonic() - start, 0, True)]
    files = sorted((ROOT / "tests/compose").glob("*_test.py")) + sorted((ROOT / "tests/e2e").glob("*_test.py"))
    for file in files:
        if arguments and file.name not in arguments and file.stem not in arguments:
            continue
        if file.name in LOCAL_ONLY:
            print(f"== {file.name}: left out: {LOCAL_ONLY[file.name]}", flush=True)
            continue
        print(f"== {file.name}", flush=True)
        start = time.monotonic()
        rows.append((file.name, 0, *one(file, env)))
        rows[-1] = (file.name, time.monotonic() - start, *rows[-1][2:])
    print()
    for name, seconds, ran, passed in rows:
        print(f"{seconds:8.1f} s  {'ok    ' if passed else 'FAILED'}  {name}" + (f": {ran} tests" if ran else ""))
    failed = sum(not passed for _, _, _, passed in rows)
    print(f"{len(rows) - failed} passed, {failed} failed")
    return 1 if failed else 0
