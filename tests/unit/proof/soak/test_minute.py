"""A duty is on time where hardly a look finds it late, and none finds it very late."""

import json
from collections import Counter

import pytest

from proof.soak.minute import DUTIES, Minute, Stores, growth, late
from proof.soak.report import HEAD, conclusion, line, memory_line
from proof.soak.samples import read_lateness
from proof.soak.soaking import SoakResult


def minute(*readings: dict[str, float], **memory: int) -> Minute:
    return Minute(
        seconds=60.0,
        done={"orders": 6000, "reads": 3000},
        latencies=[0.01] * 99 + [0.2],
        readings=readings or [dict.fromkeys(DUTIES, 0.3)],
        memory=memory or {"web": 100_000_000},
        stores=Stores(redis_bytes=5_000_000, dead_rows=1234, dead_share=0.25),
        restarts=1,
        discarded=7,
    )


def held(*minutes: Minute) -> SoakResult:
    return SoakResult([*minutes], accepted=6000)


def test_a_duty_that_is_never_late_is_on_time() -> None:
    assert late([minute({"holds": 1.9}), minute({"holds": 0.1})]) == {}
    assert held(minute()).held


def test_one_look_in_a_hundred_may_find_a_duty_later_than_usual() -> None:
    usual = [{"holds": 0.5}] * 99
    assert late([minute(*usual, {"holds": 4.9})]) == {}
    assert late([minute(*usual, {"holds": 4.9}, {"holds": 4.8})]) == {
        "holds": "4.8 s late (p99), 4.9 s at the most"
    }


@pytest.mark.parametrize("duty", DUTIES)
def test_no_look_may_find_a_duty_very_late(duty: str) -> None:
    readings = [{duty: 0.0}] * 999 + [{duty: 5.1}]
    assert list(late([minute(*readings)])) == [duty]
    assert not held(minute(*readings)).held


def test_without_an_order_nothing_is_proven() -> None:
    assert not SoakResult([minute()]).held
    assert not SoakResult([minute()], accepted=5, wrong=Counter({"units of drift": 1})).held


def test_growth_is_counted_from_the_second_minute_on() -> None:
    sizes = (900, 100, 112, 124)
    minutes = [minute(flower=size * 1_000_000) for size in sizes]
    assert growth(minutes) == {"flower": 12.0}
    assert growth(minutes[:2]) == {}


def test_a_minute_is_a_line_under_its_head() -> None:
    text = line(3, minute({"orders": 0.2, "holds": 1.5}))
    assert text.count("│") == HEAD.count("│")
    assert "100 0 50" in text  # orders, repeats, reads a second
    assert "10 10" in text
    assert "0.2 1.5 0.0 0.0 0.0" in text
    assert "1,234 (25%)" in text
    assert text.endswith("1 │ 7")
    assert memory_line(minute()) == "       MB: web 100"


def test_the_conclusion_says_what_was_late_and_what_was_wrong() -> None:
    assert [*conclusion(held(minute()))] == [
        "6,000 orders: every duty was on time, every unit is accounted for."
    ]
    broken = SoakResult([minute({"holds": 28.5})], 6000, Counter({"units of drift": 3}))
    assert [*conclusion(broken)] == [
        "Not on time: holds, 28.5 s late (p99), 28.5 s at the most.",
        "Wrong: 3 × units of drift.",
        "6,000 orders: BROKEN.",
    ]


@pytest.mark.parametrize("text", ["", "[]", "no answer", '{"checks": {}}', '{"checks": null}'])
def test_an_answer_without_duties_is_no_look(text: str) -> None:
    assert read_lateness(text) is None


def test_lateness_is_read_from_readyz() -> None:
    part = {"ok": True, "detail": "…", "late_seconds": {"holds": 1, "orders": 0.5}}
    assert read_lateness(json.dumps({"checks": {"duties": part}})) == {"holds": 1.0, "orders": 0.5}
