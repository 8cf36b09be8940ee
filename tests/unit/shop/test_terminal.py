"""What commands print: the same words and figures, drawn or plain."""

from io import StringIO
from typing import Any

import pytest
from django.core.management.base import OutputWrapper
from rich.text import Text

from shop.core.command_line.terminal import GOOD, Display
from tests.terminals import BOXES, ESCAPE

COLUMNS = ("sale", "in flight", "drift")
ROWS = [("spring", 1204, 0), ("autumn", None, 12)]


class Screen(StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("NO_COLOR", raising=False)


def shown(stream: StringIO, **options: Any) -> str:
    display = Display(OutputWrapper(stream), options)
    display.table(COLUMNS, ROWS)
    display.say("Drift: 12.", GOOD)
    display.facts({"hold ends": None, "state": Text("open", "green")})
    return stream.getvalue()


def test_a_pipe_gets_lines_of_cells_and_nothing_else() -> None:
    assert shown(StringIO()).splitlines() == [
        "sale    in_flight  drift",
        "spring  1204       0",
        "autumn  -          12",
        "Drift: 12.",
        "hold_ends  -",
        "state      open",
    ]


def test_a_terminal_gets_a_table_and_colours() -> None:
    drawn = shown(Screen())
    assert ESCAPE in drawn
    assert any(box in drawn for box in BOXES)
    assert "1,204" in drawn


def test_colours_can_be_forced_into_a_pipe() -> None:
    assert ESCAPE in shown(StringIO(), force_color=True)


def test_a_terminal_without_colours_has_no_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ESCAPE not in shown(Screen(), no_color=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert ESCAPE not in shown(Screen())


def test_what_the_command_line_says_comes_before_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert ESCAPE in shown(Screen(), force_color=True)


def test_no_color_says_nothing_where_it_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")
    assert ESCAPE in shown(Screen())


def test_a_table_that_is_wider_than_the_terminal_is_printed_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    drawn = shown(Screen(), no_color=True)
    for figure in ("spring", "1,204", "in flight", "Drift: 12."):
        assert figure in drawn


def test_an_empty_table_is_its_columns() -> None:
    out = StringIO()
    Display(OutputWrapper(out), {}).table(COLUMNS, [])
    assert out.getvalue() == "sale  in_flight  drift\n"


@pytest.mark.parametrize(
    ("stream", "options"), [(StringIO(), {}), (Screen(), {"json": True}), (StringIO(), {"x": 1})]
)
def test_progress_is_silent_where_nobody_watches(stream: StringIO, options: dict[str, Any]) -> None:
    with Display(OutputWrapper(stream), options).progress("Comparing", total=2) as step:
        step()
    assert stream.getvalue() == ""


def test_progress_is_drawn_on_a_terminal() -> None:
    screen = Screen()
    with Display(OutputWrapper(screen), {}).progress("Comparing", total=2) as step:
        step()
        step()
    assert "Comparing" in screen.getvalue()
    assert "2/2" in screen.getvalue()
