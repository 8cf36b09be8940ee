"""What `make audit` says of advisories: found, not found, and not to be had."""

import json

import pytest

from ops.audit import judged

FAULT = {"id": "PYSEC-2099-1", "fix_versions": ["1.2"], "aliases": [], "description": "…"}
SOUND = {"name": "sound", "version": "1.0", "vulns": []}
FAULTY = {"name": "faulty", "version": "1.1", "vulns": [FAULT, {**FAULT, "fix_versions": []}]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found on PyPI"}


def verdict(*packages: object) -> tuple[bool, str]:
    return judged(json.dumps({"dependencies": packages, "fixes": []}), "")


def test_a_package_with_a_known_fault_is_named_with_what_mends_it() -> None:
    bad, text = verdict(SOUND, FAULTY, UNKNOWN)
    assert bad
    assert "faulty 1.1: PYSEC-2099-1, mended in 1.2\n" in text
    assert "mended in no version\n" in text
    assert "2 faults, 2 packages looked up, 1 NOT" in text


def test_packages_without_a_fault_are_counted() -> None:
    assert verdict(SOUND) == (False, "pip-audit: 0 faults, 1 packages looked up, 0 NOT")


@pytest.mark.parametrize(
    ("output", "errors"),
    [("", "…\nConnection refused"), ("[", ""), (json.dumps({"dependencies": [UNKNOWN]}), "")],
)
def test_advisories_that_are_not_to_be_had_are_said_aloud_and_fail_nothing(
    output: str, errors: str
) -> None:
    bad, text = judged(output, errors)
    assert not bad
    assert "SKIPPED" in text
