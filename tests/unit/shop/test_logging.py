"""What the log leaves out, and what it never does."""

import logging
from typing import Any

import pytest

from shop.core.logs import filters


def record(message: str, *arguments: object, **extra: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "args": arguments, **extra})
    made.exc_info = extra.get("exc_info")
    return made


def test_a_cause_is_told_once_a_second_whatever_it_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(filters.time, "monotonic", lambda: clock[0])
    seldom = filters.AtMostEverySecond()

    def told() -> list[bool]:
        lines = ["sale %s is in doubt", "sale %s is in doubt", "sale %s is lost"]
        return [seldom.filter(record(line, n)) for n, line in enumerate(lines)]

    assert told() == [True, False, True]
    assert told() == [False, False, False]
    clock[0] += 1.0
    assert told() == [True, False, True]


def test_what_strangers_send_is_told_once_a_second_whatever_they_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(filters.time, "monotonic", lambda: clock[0])
    strangers = filters.StrangersAtMostEverySecond()
    names = ("django.security.DisallowedHost", "django.security.csrf", "orders.intake")

    def told() -> list[bool]:
        return [
            strangers.filter(record(f"{n} was sent", name=name)) for n in (1, 2) for name in names
        ]

    assert told() == [True, True, True, False, False, True]
    clock[0] += 1.0
    assert told() == [True, True, True, False, False, True]


def test_a_503_that_was_answered_is_left_out_and_a_fault_is_not() -> None:
    faults = filters.WithoutAnsweredUnavailability()
    error = (ValueError, ValueError("a fault"), None)
    assert not faults.filter(record("Service Unavailable", status_code=503))
    assert faults.filter(record("Service Unavailable", status_code=503, exc_info=error))
    assert faults.filter(record("Internal Server Error", status_code=500))
    assert faults.filter(record("anything else"))
