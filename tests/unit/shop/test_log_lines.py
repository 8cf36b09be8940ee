"""What a log line looks like, for people and for programs."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shop.core.logs import correlation
from shop.core.logs.lines import formatter

TRACEPARENT = f"00-{'a' * 32}-{'b' * 16}-01"


class Log:
    """A logger with one handler, as settings.LOGGING makes it."""

    def __init__(self, style: str) -> None:
        self._written = io.StringIO()
        self._handler = logging.StreamHandler(self._written)
        self._handler.setFormatter(formatter(style=style))
        self.logger = logging.getLogger(f"tests.lines.{style}")
        self.logger.handlers = [self._handler]
        self.logger.propagate = False
        self.logger.setLevel(logging.DEBUG)

    @property
    def text(self) -> str:
        return self._written.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    return Log("text")


@pytest.fixture
def objects() -> Log:
    return Log("json")


def test_a_line_for_people_says_level_logger_message_and_fields(text: Log) -> None:
    with correlation.about(sale="drop", order_id="o-1", task=None):
        text.logger.info("%d orders", 12)
    assert text.text == "INFO    tests.lines.text 12 orders order_id=o-1 sale=drop\n"


def test_a_line_for_programs_says_the_same(objects: Log) -> None:
    with correlation.about(sale="drop", order_id="o-1"):
        objects.logger.warning("%d orders", 12)
    [line] = objects.lines
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "logger": "tests.lines.json",
        "event": "12 orders",
        "sale": "drop",
        "order_id": "o-1",
    }


def test_fields_of_a_request_end_with_it(objects: Log) -> None:
    with correlation.request(request_id="r-1", traceparent=TRACEPARENT):
        objects.logger.info("inside")
        with correlation.about(order_id="o-1"):
            objects.logger.info("deeper")
    objects.logger.info("outside")
    known = [
        {name: line.get(name) for name in ("request_id", "order_id", "trace_id")}
        for line in objects.lines
    ]
    assert known == [
        {"request_id": "r-1", "order_id": None, "trace_id": "a" * 32},
        {"request_id": "r-1", "order_id": "o-1", "trace_id": "a" * 32},
        {"request_id": None, "order_id": None, "trace_id": None},
    ]


def test_a_single_line_may_know_more_and_only_what_is_a_field(objects: Log) -> None:
    objects.logger.info("refused", extra={"order_id": "o-1", "request": object()})
    [line] = objects.lines
    assert line["order_id"] == "o-1"
    assert "request" not in line


def test_an_error_is_one_line_for_programs_and_a_traceback_for_people(
    objects: Log, text: Log
) -> None:
    for log in (objects, text):
        try:
            raise ValueError("a fault")
        except ValueError:
            log.logger.exception("it broke")
    [line] = objects.lines
    assert line["exception"].endswith("ValueError: a fault")
    assert text.text.startswith(
        "ERROR   tests.lines.text it broke\nTraceback (most recent call last):\n"
    )


def test_a_callers_text_neither_looks_like_a_line_nor_steers_a_terminal(
    objects: Log, text: Log
) -> None:
    with correlation.about(order_id="x\nERROR   root sold twice\x1b[2J"):
        for log in (objects, text):
            log.logger.info("no sale %s", "x\nERROR   root all is lost \x9b2J\r")
    assert len(objects.lines) == 1
    assert text.text.splitlines() == [
        "INFO    tests.lines.text no sale x",
        "    ERROR   root all is lost \\x9b2J\\x0d order_id=x\\x0aERROR   root sold twice\\x1b[2J",
    ]


def test_colour_is_for_those_who_force_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = Log("text")
    coloured.logger.info("hello")
    assert coloured.text.startswith("\x1b[")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Log("text")
    plain.logger.info("hello")
    assert "\x1b" not in plain.text


def test_a_format_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="LOG_FORMAT is text or json, not 'xml'"):
        formatter(style="xml")
