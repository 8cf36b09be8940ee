"""Tests that share what is costly run in one process of the test run, the long ones first."""

import pytest

from tests.turns import group_of, turn_of


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("tests/e2e/browser/test_console.py", "browser"),
        ("tests/integration/orders/api/test_payments.py", "processes"),
        ("tests/e2e/test_stack.py", "stacks"),
        ("tests/unit/proof/test_drill.py", "tests/unit/proof/test_drill.py"),
        ("tests/e2e/test_flower.py", "tests/e2e/test_flower.py"),
    ],
)
def test_a_file_is_a_group_but_for_what_shares_processes_or_a_stack(path: str, group: str) -> None:
    assert group_of(path) == group


def test_what_takes_longest_begins_and_what_needs_processes_precedes_what_does_not() -> None:
    api = "tests/integration/orders/api/test_payments.py"
    turns = [
        turn_of(api, needs_processes=True),
        turn_of(api, needs_processes=False),
        turn_of("tests/e2e/test_demo.py", needs_processes=False),
        turn_of("tests/e2e/test_drill.py", needs_processes=False),
        turn_of("tests/integration/orders/test_edges.py", needs_processes=False),
        turn_of("tests/unit/test_docs.py", needs_processes=False),
    ]
    assert turns == sorted(turns)
