"""The examples with which modules open do what they say."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for app in ("inventory", "orders")
    for path in (ROOT / app).rglob("*.py")
    if re.search(r"^ *>>> ", path.read_text(), re.MULTILINE)
)


def test_the_modules_that_a_newcomer_meets_first_open_with_an_example() -> None:
    assert len(MODULES) > 10
    assert {"inventory.domain", "orders.domain", "orders.lifecycle"} <= {*MODULES}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    failed, tried = doctest.testmod(import_module(name))
    assert tried
    assert not failed
