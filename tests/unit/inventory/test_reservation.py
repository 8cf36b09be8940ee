"""Positions in the outbox."""

from hypothesis import given
from hypothesis import strategies as st

from inventory import reservation


@given(st.integers(0, 2**41 - 1), st.integers(0, 2**20 - 1))
def test_a_position_sorts_like_its_stream_id_and_leads_back_to_it(ms: int, number: int) -> None:
    entry_id = b"%d-%d" % (ms, number)
    position = reservation.position_of(entry_id)
    assert reservation.entry_id_of(position) == entry_id
    assert position < 2**63
    assert position < reservation.position_of(b"%d-%d" % (ms + 1, 0))
