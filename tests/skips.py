"""A pytest plugin: where SKIPS_ALLOWED names a file, a skip whose reason is not in it is a failure.

A machine that lacks something must not pass by leaving out what it cannot run.
"""

import os
from pathlib import Path

import pytest

_surprises: list[str] = []


def allowed(text: str) -> list[str]:
    """Return the reasons in a file of them: a line each, without comments."""
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def is_allowed(reason: str, reasons: list[str]) -> bool:
    """Tell whether a skip's reason contains one of `reasons`."""
    return any(each in reason for each in reasons)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    path = os.environ.get("SKIPS_ALLOWED")
    if not path or not report.skipped or not isinstance(report.longrepr, tuple):
        return
    reason = report.longrepr[2]
    if not is_allowed(reason, allowed(Path(path).read_text())):
        _surprises.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _surprises and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for each in _surprises:
        terminalreporter.write_line(f"skipped, and not in {os.environ['SKIPS_ALLOWED']}: {each}")
