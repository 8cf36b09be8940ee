"""What is done often is told seldom, and nothing of it is left out."""

import pytest

from shop.core import tally
from shop.core.tally import Tally


def test_the_first_is_told_at_once_and_what_follows_in_one_sum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(tally.time, "monotonic", lambda: now)
    counts = Tally()
    assert counts.add("a", 3) == 3
    assert [counts.add("a", 2), counts.add("a", 5)] == [0, 0]
    assert counts.add("b", 1) == 1
    now += tally.TELL_SECONDS
    assert counts.add("a", 1) == 8
