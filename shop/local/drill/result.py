"""What a fault has cost, as far as it is measured and judged. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from shop.local.drill.judge import Findings


@dataclass(frozen=True, slots=True)
class Result:
    """One drill. Times are in seconds."""

    fault: str
    findings: Findings
    unavailable: float  # the longest time without a final answer
    catch_up: float  # from the fault's end until no accepted order waited for more than a second
    restarts: int
    drift: int | None  # units; None where `reconcile` could not tell
    settled: bool  # every outbox became empty
    unanswered: int  # orders whose client gave up
    tried_again: Mapping[str, int]  # answers that were none, by what they were
    notes: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        found = self.findings
        wrong = found.lost + found.duplicated + found.oversold + found.wrongly_rejected
        return wrong == 0 and self.drift == 0 and self.settled and self.unanswered == 0
