"""Which tests run together where the test run has several processes, and in which turn.

A file is a group. What needs web, worker and beat is one group, so that they are started once; what
needs a whole stack is another one, for those share a state folder. These two take longest, and
begin. (pytest-xdist 3.8 finds no groups of its own any more under pytest 9.2.)
"""

from pathlib import PurePath
from typing import Any

from xdist.scheduler import LoadScopeScheduling

WITH_PROCESSES = (
    "tests/e2e/",
    "tests/concurrency/test_races_over_http",
    "tests/integration/orders/api/",
)
STACKS = ("test_demo", "test_drill", "test_a_rolling_restart", "test_stack")  # one after the other
ON_THEIR_OWN = (*STACKS, "test_flower", "test_bench", "test_bench_peers")


def group_of(path: str) -> str:
    """Return the group of a file of tests, whose path is from the repository's root."""
    stem = PurePath(path).stem
    if path.startswith(WITH_PROCESSES) and stem not in ON_THEIR_OWN:
        return "processes"
    return "stacks" if stem in STACKS else path


def turn_of(path: str, *, needs_processes: bool) -> tuple[int, int, str]:
    """Return by what tests are sorted: the long groups, then the rest of what is end to end.

    Of the group that is about processes those tests come first that need them: once they are
    started, their workers persist and release whatever any test puts into the servers.
    """
    group = group_of(path)
    if group == "processes":
        return 0, int(not needs_processes), ""
    if group == "stacks":
        return 1, STACKS.index(PurePath(path).stem), ""
    kinds = ("tests/e2e/", "tests/concurrency/", "tests/integration/", "tests/unit/")
    return 2 + [path.startswith(kind) for kind in kinds].index(True), 0, path


class InGroups(LoadScopeScheduling):
    """Gives each process of the test run a group, and the next one when it is through."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


def scheduler(config: Any, log: Any) -> InGroups:
    """Return what hands out the tests, for the hook of pytest-xdist."""
    return InGroups(config, log)
