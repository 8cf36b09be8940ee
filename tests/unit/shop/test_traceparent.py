"""The traceparent header: what makes sense is taken, what does not is as if nobody had sent it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.core.tracing.traceparent import is_sampled, sane_traceparent, trace_id_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = f"00-{TRACE}-{SPAN}-01"


def test_a_sane_one_is_taken_as_it_is() -> None:
    assert sane_traceparent(SAMPLED.encode()) == SAMPLED
    assert trace_id_of(SAMPLED) == TRACE
    assert is_sampled(SAMPLED)
    assert not is_sampled(f"00-{TRACE}-{SPAN}-00")
    assert not is_sampled(f"00-{TRACE}-{SPAN}-02")


def test_flags_that_are_not_known_are_not_passed_on() -> None:
    assert sane_traceparent(f"00-{TRACE}-{SPAN}-ff".encode()) == f"00-{TRACE}-{SPAN}-03"


@pytest.mark.parametrize("more", ["", "-", "-what-will-come"])
def test_a_later_version_is_read_as_far_as_it_is_known(more: str) -> None:
    assert sane_traceparent(f"cc-{TRACE}-{SPAN}-01{more}".encode()) == SAMPLED


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "1",
        SAMPLED.upper(),
        f" {SAMPLED}",
        f"{SAMPLED}\n",
        f"{SAMPLED}-more",  # version 00 has no more
        f"ff-{TRACE}-{SPAN}-01",  # no version
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-0g",
        f"00-{TRACE[:-1]}é-{SPAN}-01",
        f"cc-{TRACE}-{SPAN}-01more",
        f"cc-{TRACE}-{SPAN}-01-{'x' * 10_000}",
        f"cc-{TRACE}-{SPAN}-01-\x00",
        f"{SAMPLED},{SAMPLED}",
    ],
)
def test_what_makes_no_sense_is_as_if_nobody_had_sent_it(sent: str) -> None:
    assert sane_traceparent(sent.encode("latin-1")) == ""
    assert trace_id_of("") == ""
    assert not is_sampled("")


@given(st.binary(max_size=300))
def test_whatever_comes_what_goes_on_is_sane(sent: bytes) -> None:
    taken = sane_traceparent(sent)
    assert taken == "" or sane_traceparent(taken.encode()) == taken


@given(
    st.from_regex(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,20})?", fullmatch=True)
)
def test_what_looks_like_one_never_breaks_what_goes_on(sent: bytes) -> None:
    taken = sane_traceparent(sent)
    assert taken == "" or (len(taken) == 55 and taken[3:35] == sent[3:35].decode())
