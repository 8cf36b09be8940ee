"""As many open files as connections need."""

import resource

import pytest

from orders.intake.connection import descriptors
from orders.intake.connection.descriptors import OTHER_FILES, enough_for


class Limits:
    """The limits of a process, without changing those of the tests."""

    RLIMIT_NOFILE = resource.RLIMIT_NOFILE
    RLIM_INFINITY = resource.RLIM_INFINITY

    def __init__(self, soft: int, hard: int) -> None:
        self.now = (soft, hard)

    def getrlimit(self, which: int) -> tuple[int, int]:
        return self.now

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        self.now = limits


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Limits:
    fake = Limits(1024, 4096)
    monkeypatch.setattr(descriptors, "resource", fake)
    return fake


def test_the_limit_is_raised_as_far_as_it_is_needed(limits: Limits) -> None:
    assert enough_for(3000) == 3000
    assert limits.now == (3000 + OTHER_FILES, 4096)


def test_where_it_cannot_be_raised_there_are_fewer_connections_and_the_log_says_so(
    limits: Limits, caplog: pytest.LogCaptureFixture
) -> None:
    assert enough_for(10_000) == 4096 - OTHER_FILES
    assert "only 3840 connections of 10000" in caplog.text


@pytest.mark.parametrize("soft", [20_000, resource.RLIM_INFINITY])
def test_a_limit_that_is_high_enough_is_left_alone(limits: Limits, soft: int) -> None:
    limits.now = (soft, resource.RLIM_INFINITY)
    assert enough_for(10_000) == 10_000
    assert limits.now == (soft, resource.RLIM_INFINITY)
