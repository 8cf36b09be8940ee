"""Which tests run together where the test run has several processes, and in which turn.

A file is a group. What needs web, worker and beat is one group, so that they are started once, and
with a browser another one; what needs a whole stack is a third, for those share a state folder.
These take longest, and begin. (pytest-xdist 3.8 finds no groups of its own any more under pytest
9.2.)
"""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

WITH_PROCESSES = (
    "tests/e2e/",
    "tests/concurrency/test_races_over_http",
    "tests/integration/orders/api/",
)
# One after the other.
STACKS = [f"tests/e2e/test_{name}.py" for name in ("demo", "drill", "a_rolling_restart", "stack")]
ON_THEIR_OWN = [f"tests/e2e/test_{name}.py" for name in ("flower", "bench", "bench_peers")]


def group_of(path: str) -> str:
    """Return the group of a file of tests, whose path is from the repository's root."""
    if path in STACKS:
        return "stacks"
    if path.startswith("tests/e2e/browser/"):
        return "browser"
    return "processes" if path.startswith(WITH_PROCESSES) and path not in ON_THEIR_OWN else path


def has_processes(path: str) -> bool:
    """Tell whether tests of a file may need web, worker and beat."""
    return group_of(path) in ("processes", "browser")


def turn_of(path: str, *, needs_processes: bool) -> tuple[int, int, str]:
    """Return by what tests are sorted: the long groups, then the rest of what is end to end.

    Of the group that is about processes those tests come first that need them: once they are
    started, their workers persist and release whatever any test puts into the servers.
    """
    group = group_of(path)
    if group == "processes":
        return 0, int(not needs_processes), ""
    if group == "browser":
        return 1, 0, ""
    if group == "stacks":
        return 2, STACKS.index(path), ""
    kinds = ("tests/e2e/", "tests/concurrency/", "tests/integration/", "tests/unit/")
    return 3 + [path.startswith(kind) for kind in kinds].index(True), 0, path


class InGroups(LoadScopeScheduling):
    """Gives each process of the test run a group, and the next one when it is through."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def scheduler(config: Any, log: Any) -> InGroups:
    """Return what hands out the tests, for the hook of pytest-xdist."""
    return InGroups(config, log)
