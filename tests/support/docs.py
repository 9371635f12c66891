"""./dev docs: what is generated from the code: the Settings section of each service's README (from `<service> --print-settings`) and
deploy/nats/nats.conf (from proto/endpoints.h). --check reports what is out of date instead of writing it."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["ingress", "provider-router", "mcp-connector", "policy-engine", "codemode-sandbox", "audit-writer"]
INTRO = "Printed by `{service} --print-settings`; `./dev docs` keeps this section.\n\n"


def output(*argv):
    return subprocess.run([str(a) for a in argv], capture_output=True, text=True, check=True, timeout=30).stdout


def with_settings(readme, service, table):
    """The README with its Settings section replaced; the section must exist."""
    head, found, rest = readme.partition("\n## Settings\n")
    if not found:
        raise SystemExit(f"services/{service}/README.md has no section Settings")
    following = rest.find("\n## ")
    tail = rest[following:] if following >= 0 else ""
    return f"{head}{found}\n{INTRO.format(service=service)}{table.strip()}\n{tail}"


def wanted(preset):
    """{file: content}"""
    binaries = ROOT / "build" / preset
    files = {ROOT / "deploy/nats/nats.conf": output(binaries / "common/bus/endpoints_dump")}
    for service in SERVICES:
        readme = ROOT / "services" / service / "README.md"
        table = output(binaries / "bin" / service, "--config", ROOT / "deploy/config/sluice.json", "--print-settings")
        files[readme] = with_settings(readme.read_text(), service, table)
    return files


def main(arguments, preset="dev"):
    contents = wanted(preset)
    stale = [file for file, content in contents.items() if file.read_text() != content]
    for file in stale:
        print(f"{file.relative_to(ROOT)}: " + ("out of date; run ./dev docs" if "--check" in arguments else "rewritten"))
        if "--check" not in arguments:
            file.write_text(contents[file])
    return 1 if stale and "--check" in arguments else 0
