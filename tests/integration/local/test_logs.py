"""Log lines stay readable and bounded, whatever a program writes."""

import io
from pathlib import Path

import pytest

from shop.local.processes import logs
from shop.local.processes.logs import LogSink, read_lines, wants_colour
from shop.local.processes.service import Service

from .conftest import assert_soon


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


class ClosedTerminal(io.StringIO):
    """A stream whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_lines_are_prefixed_with_aligned_names(tmp_path: Path) -> None:
    screen = io.StringIO()
    with LogSink(tmp_path, terminal=screen, width=6) as sink:
        sink.writer("web")("hello")
        sink.writer("worker")("there")
    shown = [line.partition(" ")[2] for line in screen.getvalue().splitlines()]
    assert shown == ["web    | hello", "worker | there"]


def test_a_calm_terminal_shows_the_stack_and_trouble_and_the_files_show_all(tmp_path: Path) -> None:
    screen = io.StringIO()
    with LogSink(tmp_path, terminal=screen, width=5) as sink:
        web, stack = sink.writer("web"), sink.writer("stack")
        web("INFO    orders all is well")
        sink.be_calm(but_for="stack")
        web("INFO    orders all is well, no ERRORS")
        web("WARNING orders look here")
        web('{"level": "error", "event": "and here"}')
        web("2026-01-01 UTC [7] FATAL:  and here")
        stack("web ended with -9")
    shown = [line.partition("| ")[2] for line in screen.getvalue().splitlines()]
    assert shown == [
        "INFO    orders all is well",
        "WARNING orders look here",
        '{"level": "error", "event": "and here"}',
        "2026-01-01 UTC [7] FATAL:  and here",
        "web ended with -9",
    ]
    assert len((tmp_path / "web.log").read_text().splitlines()) == 5


def test_each_program_has_a_file_of_its_own(tmp_path: Path) -> None:
    for text in ("one", "two"):  # a second start goes on where the first ended
        with LogSink(tmp_path) as sink:
            sink.writer("web")(text)
    kept = (tmp_path / "web.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in kept] == ["one", "two"]


def test_over_long_lines_are_cut_and_the_next_line_is_whole() -> None:
    stream = io.BytesIO(b"x" * 100 + b"\nnext\n" + b"y" * 100)
    assert list(read_lines(stream, limit=10)) == [
        "xxxxxxxxxx … (cut)",
        "next",
        "yyyyyyyyyy … (cut)",
    ]


def test_lines_that_just_fit_are_not_marked_as_cut() -> None:
    assert list(read_lines(io.BytesIO(b"123456789\nend"), limit=10)) == ["123456789", "end"]


def test_a_program_that_writes_no_text_is_logged_all_the_same() -> None:
    lines: list[str] = []
    service = Service("noise", ["printf", r"\377\376 noise\n"], write=lines.append)
    service.start()
    assert_soon(lambda: not service.running)
    service.stop()
    assert lines == ["\ufffd\ufffd noise"]


def test_a_log_file_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "FILE_LIMIT", 1000)
    with LogSink(tmp_path) as sink:
        write = sink.writer("web")
        for number in range(100):
            write(f"line {number}")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["web.log", "web.log.1"]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert files[0].read_text().endswith("line 99\n")


def test_a_closed_terminal_does_not_stop_the_log(tmp_path: Path) -> None:
    with LogSink(tmp_path, terminal=ClosedTerminal()) as sink:
        write = sink.writer("web")
        write("one")
        write("two")
    assert len((tmp_path / "web.log").read_text().splitlines()) == 2


def test_a_straggler_after_the_end_is_ignored(tmp_path: Path) -> None:
    with LogSink(tmp_path) as sink:
        write = sink.writer("web")
    write("too late")
    assert (tmp_path / "web.log").read_text() == ""


def test_colour_is_for_terminals_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wants_colour(Terminal())
    assert not wants_colour(io.StringIO())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert wants_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colour(Terminal())
