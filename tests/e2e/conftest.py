"""What the tests of whole stacks share: a state folder, so that only the first one begins with
nothing, and a running `make up`."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop.local.servers.embedded import temporary_state

from .stacks import Up, running_up


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """A state folder for all stacks, one after the other: each runs where another one ran."""
    with temporary_state() as folder:
        yield folder


@pytest.fixture(scope="session")
def up(state: Path) -> Iterator[Up]:
    """One stack for all tests of a running one; the last of them ends it."""
    # A terminal's SIGHUP, also where the tests run under `nohup`.
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    with running_up(state) as running:
        signal.signal(signal.SIGHUP, before)
        yield running
