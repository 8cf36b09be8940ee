"""The form of a log line: text for people, or one JSON object for programs (LOG_FORMAT).

Both say the same, through stdlib's logging: who logs says `logger = logging.getLogger(__name__)` as
anywhere. Fields come from `correlation`, and from `extra=` where a single line knows more.
"""

import os
import sys
from collections.abc import Sequence

import structlog
from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter, plain_traceback
from structlog.processors import JSONRenderer, TimeStamper, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict, Processor, WrappedLogger

FIELDS = (
    "request_id",
    "trace_id",
    "sale",
    "sale_id",
    "order_id",
    "event_id",
    "endpoint",
    "task",
    "task_id",
    "status_code",  # of Django's lines about answers
)
FORMATS = ("text", "json")

# A caller's text can neither look like a line of ours nor steer a terminal.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}
_INDENTED = _ESCAPED | {ord("\t"): "\t", ord("\n"): "\n    "}

_DIM, _BOLD, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"


def formatter(*, style: str) -> ProcessorFormatter:
    """Return the formatter for `style`, one of FORMATS, as LOGGING takes it. Raises ValueError."""
    if style not in FORMATS:
        raise ValueError(f"LOG_FORMAT is {' or '.join(FORMATS)}, not {style!r}")
    finish = _json() if style == "json" else _text(colour=_wants_colour())
    return ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            ExtraAdder(allow=FIELDS),
            add_log_level,
            add_logger_name,
        ],
        processors=[ProcessorFormatter.remove_processors_meta, *finish],
    )


def _json() -> Sequence[Processor]:
    return [TimeStamper(fmt="iso", utc=True), format_exc_info, _in_order, JSONRenderer()]


def _in_order(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    """Put first what every line has."""
    return {**{name: line[name] for name in ("timestamp", "level", "logger", "event")}, **line}


def _text(*, colour: bool) -> Sequence[Processor]:
    """Lines without a time: `make up` and journald stamp the lines that they collect."""
    dim, bold, plain = (_DIM, _BOLD, _PLAIN) if colour else ("", "", "")

    def column(key: str, style: str, width: int = 0) -> Column:
        return Column(key, KeyValueColumnFormatter(None, style, plain, str, width))

    fields = KeyValueColumnFormatter(dim, dim, plain, _escaped)
    columns = [
        Column("", fields),
        column("level", bold, 7),
        column("logger", dim),
        column("event", ""),
    ]
    return [_readable, ConsoleRenderer(columns=columns, exception_formatter=plain_traceback)]


def _readable(_: WrappedLogger, __: str, line: EventDict) -> EventDict:
    return {
        **line,
        "level": line["level"].upper(),
        "event": str(line["event"]).translate(_INDENTED),
    }


def _escaped(value: object) -> str:
    return str(value).translate(_ESCAPED)


def _wants_colour() -> bool:
    """Tell whether to colour standard error: https://no-color.org and https://force-color.org."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()
