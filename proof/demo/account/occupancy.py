"""Units that orders certainly had between two moments, as their clients can tell. Pure."""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

FOR_GOOD = math.inf


class Occupancy(NamedTuple):
    """Units of something that were certainly taken, from one moment to another."""

    what: str
    units: int
    since: float
    until: float = FOR_GOOD


def peaks(occupancies: Iterable[Occupancy]) -> Counter[str]:
    """Return the most units of each thing that were certainly taken at one moment."""
    changes = []
    for what, units, since, until in occupancies:
        if since < until or since == FOR_GOOD:
            changes += [(since, units, what), (until, -units, what)]
    taken: Counter[str] = Counter()
    most: Counter[str] = Counter()
    # Units given back at a moment can be taken at that moment: the smaller change comes first.
    for moment, units, what in sorted(changes):
        if moment == FOR_GOOD and units < 0:
            continue
        taken[what] += units
        most[what] = max(most[what], taken[what])
    return most


class Takings:
    """Units that may have been taken by a moment, as if none had ever been given back."""

    def __init__(self, takings: Iterable[tuple[str, float, int]]) -> None:
        """Each is: what, the earliest moment in seconds, units."""
        units: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        for what, moment, count in takings:
            units[what].append((moment, count))
        self._moments = {what: [at for at, _ in sorted(each)] for what, each in units.items()}
        self._totals = {
            what: [0, *accumulate(count for _, count in sorted(each))]
            for what, each in units.items()
        }

    def by(self, what: str, moment: float) -> int:
        """Return the units of `what` that may have been taken until `moment`, at the most."""
        if what not in self._moments:
            return 0
        return self._totals[what][bisect_right(self._moments[what], moment)]
