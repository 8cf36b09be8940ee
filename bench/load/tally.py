"""The results of the requests of an open loop."""

from collections import Counter
from typing import Any

from proof.percentiles import percentile


class Tally:
    """Counts of the requests by their result."""

    def __init__(self, tell_every: int) -> None:
        """Print the id of one in `tell_every` orders as soon as it is accepted; 0: of none."""
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.dropped = self.broken = 0
        self._tell_every = tell_every

    def note(self, status: int, latency: float, answer: bytes) -> None:
        """Count an answer."""
        self.latencies.append(latency)
        self.statuses[status] += 1
        if self._tell_every and len(self.latencies) % self._tell_every == 0:
            _tell_id(answer)

    def figures(self) -> dict[str, Any]:
        """Return the counts, and percentiles of the latency in milliseconds."""
        ranked = sorted(self.latencies)
        percentiles = {"p50": 50.0, "p99": 99.0, "p999": 99.9}
        return {
            "answered": dict(self.statuses),
            "dropped": self.dropped,
            "broken": self.broken,
            **{name: 1e3 * percentile(ranked, percent) for name, percent in percentiles.items()},
        }


def _tell_id(answer: bytes) -> None:
    _, found, rest = answer.partition(b'"id":')
    if found:
        print("id", rest.split(b'"', 2)[1].decode(), flush=True)
