"""The picture of a sale that runs: rates, bars and figures, at any size of terminal."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from math import inf

import pytest
from rich.console import Console

from inventory.management.formatting import span
from inventory.management.units import SkuStock
from inventory.models import Allocation, Product, Sale
from orders.management.sale_watch import text
from orders.management.sale_watch.bars import Bar, Sparkline
from orders.management.sale_watch.drawing import picture
from orders.management.sale_watch.pace import SHOWN_SECONDS, pace_of, wanted_seconds
from orders.management.sale_watch.reading import Counts, Ledger, Reading
from orders.models import ReconciliationRecord
from orders.reads.live_stats import LATENCY_MS, Stats
from orders.reads.selectors import WaitingPayments

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def second(*, persisted: int = 0, slowest: int = 0, **outcomes: int) -> Stats:
    latency = [0] * (len(LATENCY_MS) + 1)
    latency[slowest] = sum(outcomes.values())
    answers = {name.replace("_", "-"): count for name, count in outcomes.items()}
    return Stats(answers, latency, 1.0, [], 0, persisted)


def reading(skus: int = 2, trouble: list[str] | None = None, **changes: object) -> Reading:
    sale = Sale(
        pk=1, slug="spring", name="Spring", opens_at=NOW, closes_at=NOW + timedelta(minutes=5)
    )
    rows = [
        Allocation(pk=n, product=Product(sku=f"TEE-{n}"), allocated=1000, held=100, sold=300)
        for n in range(1, skus + 1)
    ]
    sale._prefetched_objects_cache = {"allocations": rows}  # type: ignore[attr-defined]
    counted = {100: second(accepted=20, sold_out=1200, persisted=10, slowest=2)}
    counts = Counts({row.pk: 580 for row in rows}, 7, 1.5, pace_of(counted, until=100))
    compared = ReconciliationRecord(sale=sale, drift=0, compared_at=NOW - timedelta(seconds=9))
    ledger = Ledger(
        NOW, sale, compared, {"dead letters": 2, "deliveries": 0}, WaitingPayments(0, None, {})
    )
    fields = {"ledger": ledger, "counts": counts} | changes
    return Reading(NOW, trouble=trouble or [], **fields)  # type: ignore[arg-type]


def drawn(of: Reading, *, columns: int = 100, rows: int = 40, encoding: str = "utf-8") -> list[str]:
    class Out(StringIO):
        pass

    Out.encoding = encoding  # type: ignore[misc]
    out = Out()
    console = Console(file=out, width=columns, height=rows, color_system=None)
    console.print(picture(of, console))
    return out.getvalue().splitlines()


def test_rates_are_averages_of_ten_seconds() -> None:
    counted = {
        91: second(accepted=30, replayed=10, sold_out=100),
        100: second(accepted=20, sold_out=20, purchase_limit=5, persisted=15),
        90: second(accepted=1000),
    }
    pace = pace_of(counted, until=100)
    assert (pace.accepted, pace.replayed, pace.persisted) == (5, 1, 1.5)
    assert list(pace.rejected.items()) == [("sold-out", 12), ("purchase-limit", 0.5)]
    assert pace.answers == 18.5
    assert pace.last_minute[-11:] == [1000, 30, *[0] * 8, 20]


def test_waiting_times_are_the_bounds_of_their_buckets() -> None:
    counted = {99: second(accepted=98, slowest=1), 100: second(accepted=2, slowest=11)}
    pace = pace_of(counted, until=100)
    assert (pace.p50_ms, pace.p99_ms) == (2, inf)


def test_a_quiet_sale_has_no_waiting_times() -> None:
    pace = pace_of({}, until=100)
    assert (pace.accepted, pace.rejected, pace.p50_ms, pace.p99_ms) == (0, {}, None, None)
    assert pace.last_minute == [0] * SHOWN_SECONDS


def test_the_seconds_that_may_still_grow_are_left_out() -> None:
    assert wanted_seconds(1000.9) == (938, 998)


@pytest.mark.parametrize("width", [4, 10, 33, 80])
def test_a_bar_shows_each_state_and_is_as_wide_as_its_room(width: int) -> None:
    console = Console(width=width, file=StringIO(), color_system=None)
    sku = SkuStock("TEE", allocated=100_000, available=99_997, held=1, sold=1)
    (line,) = console.render_lines(Bar(sku), console.options)
    shown = "".join(segment.text for segment in line)
    assert len(shown) == width
    assert shown == "█▓▒" + "░" * (width - 3)


def test_a_bar_leaves_blank_what_nobody_knows() -> None:
    console = Console(width=10, file=StringIO(), color_system=None)
    sku = SkuStock("TEE", allocated=10, available=None, held=2, sold=3)
    (line,) = console.render_lines(Bar(sku), console.options)
    assert "".join(segment.text for segment in line) == "███▓▓     "


def test_a_sparkline_keeps_the_latest_counts() -> None:
    console = Console(width=4, file=StringIO(), color_system=None)
    (line,) = console.render_lines(Sparkline([9, 9, 0, 1, 4, 8]), console.options)
    assert "".join(segment.text for segment in line) == " ▁▄█"


def test_the_picture_has_the_figures() -> None:
    lines = drawn(reading())
    assert "spring  Spring" in lines[0]
    assert lines[0].endswith("open, closes in 05:00")
    (row,) = [line for line in lines if line.startswith("TEE-1")]
    assert row.split()[-4:] == ["580", "20", "100", "300"]
    told = {line[:12].strip(): line[12:].strip() for line in lines}
    assert told["accepted/s"] == "2, at most 20 in a second of this minute"
    assert told["rejected/s"] == "120 sold out"
    assert told["persisted/s"] == "1"
    assert told["answers"] == "p50 within 5 ms, p99 within 5 ms"
    assert told["backlog"] == "7 orders, the oldest for 1.5 s"
    assert told["drift"] == "0 units, compared 9 s ago"
    assert told["for a person"] == "2 dead letters"
    assert told["last minute"] == "█"


@pytest.mark.parametrize("columns", [32, 48, 56, 80, 200])
def test_the_picture_fits_into_narrow_terminals(columns: int) -> None:
    lines = drawn(reading(), columns=columns)
    assert max(map(len, lines)) <= columns
    (row,) = [line for line in lines if line.startswith("TEE-2")]
    assert "580" in row
    assert "300" in row


@pytest.mark.parametrize("rows", [16, 24, 60])
def test_of_many_skus_those_are_shown_that_fit_and_the_rest_together(rows: int) -> None:
    lines = drawn(reading(skus=40), rows=rows)
    assert len(lines) <= rows
    shown = [line for line in lines if line.startswith("TEE-")]
    if len(shown) < 40:
        (rest,) = [line for line in lines if "more" in line]
        hidden = 40 - len(shown)
        assert rest.startswith(f"{hidden} more")
        assert f"{hidden * 300:,}" in rest


def test_a_terminal_that_knows_ascii_alone_gets_it() -> None:
    lines = drawn(reading(), encoding="ascii")
    assert "\n".join(lines).isascii()


def test_trouble_is_said_and_what_is_not_known_is_a_dash() -> None:
    away = reading(trouble=["Redis does not answer: Connection refused"], counts=Counts())
    lines = drawn(away)
    assert "! Redis does not answer: Connection refused" in lines
    (row,) = [line for line in lines if line.startswith("TEE-1")]
    assert row.split()[-4:] == ["-", "-", "100", "300"]
    assert text.document(away)["accepted_per_second"] is None
    assert "available=-" in text.plain_line(away)
    assert "trouble: Redis does not answer: Connection refused" in text.plain_line(away)


def test_json_has_no_infinity() -> None:
    slow = Counts(pace=pace_of({100: second(accepted=1, slowest=11)}, until=100))
    document = text.document(reading(counts=slow))
    assert (document["p50_ms"], document["p99_ms"]) == (None, None)
    assert document["answers_per_second"] == 0.1


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(-5, "00:00"), (59, "00:59"), (3599.9, "59:59"), (3600, "01:00:00"), (90061, "1 d 01:01:01")],
)
def test_a_time_to_go_is_written_like_a_clock(seconds: float, written: str) -> None:
    assert span(timedelta(seconds=seconds)) == written
