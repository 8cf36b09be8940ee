"""What is done often is told seldom, and nothing of it is left out."""

import pytest

from shop.core import log_counts
from shop.core.log_counts import LogCounts


def test_the_first_is_told_at_once_and_what_follows_in_one_sum(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(log_counts.time, "monotonic", lambda: now)
    counts = LogCounts()
    assert counts.add("a", 3) == 3
    assert [counts.add("a", 2), counts.add("a", 5)] == [0, 0]
    assert counts.add("b", 1) == 1
    now += log_counts.REPORT_SECONDS
    assert counts.add("a", 1) == 8
