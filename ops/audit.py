"""Looks through the dependencies: undeclared imports, a list of them all, and known faults in them.

Run by `make audit`. Exit code 0: nothing was found; 1: something was. A step that cannot be done
here says so in capitals and fails nothing, for a fault of the network is none of the product's.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
PINS = "docker/requirements.txt"  # what a server runs
SBOM = "sbom.json"  # CycloneDX


class Verdict(NamedTuple):
    """The finding of a step, in a line for people; `bad`: it is a reason to act."""

    bad: bool
    text: str


def main() -> int:
    """Take all steps, print what each found, and return the exit code."""
    verdicts = [undeclared_imports(), list_of_parts(), known_faults(PINS)]
    for verdict in verdicts:
        print(verdict.text)
    return int(any(verdict.bad for verdict in verdicts))


def undeclared_imports() -> Verdict:
    """Compare what is imported with what pyproject.toml declares."""
    done = _run("deptry", ".")
    if done.returncode:
        return Verdict(True, f"{done.stdout}{done.stderr}deptry: see above")
    return Verdict(False, "deptry: what is imported is declared, and what is declared is used")


def list_of_parts() -> Verdict:
    """Write the pinned packages with their hashes as a CycloneDX bill of materials."""
    done = _run(
        "cyclonedx-py",
        *("requirements", PINS, "--pyproject", "pyproject.toml"),
        *("--output-reproducible", "--output-file", SBOM),
    )
    if done.returncode:
        return Verdict(True, f"{done.stderr}cyclonedx-py: {SBOM} is not written")
    return Verdict(False, f"cyclonedx-py: {SBOM} lists what a server runs")


def known_faults(pins: str) -> Verdict:
    """Ask for the advisories about each pinned version."""
    options = ("--requirement", pins, "--require-hashes", "--disable-pip", "--format", "json")
    done = _run("pip-audit", *options, "--progress-spinner", "off")
    return judged(done.stdout, done.stderr)


def judged(output: str, errors: str) -> Verdict:
    """Say what pip-audit found: `output` is its JSON, or nothing where it could not ask."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        reason = errors.strip().rpartition("\n")[2]
        return Verdict(False, f"pip-audit: SKIPPED, advisories cannot be reached: {reason}")
    unknown = [each for each in packages if "skip_reason" in each]
    if packages and len(unknown) == len(packages):
        reason = unknown[0]["skip_reason"]
        return Verdict(False, f"pip-audit: SKIPPED, there are no advisories here: {reason}")
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}, mended in "
        f"{', '.join(fault['fix_versions']) or 'no version'}"
        for each in packages
        for fault in each.get("vulns", [])
    ]
    asked = f"{len(packages) - len(unknown)} packages looked up, {len(unknown)} NOT"
    return Verdict(bool(faults), "\n".join([*faults, f"pip-audit: {len(faults)} faults, {asked}"]))


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAMS / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
