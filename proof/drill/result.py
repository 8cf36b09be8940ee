"""The result of a drill: the cost of a fault, as measured and compared. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from .findings import Findings


@dataclass(frozen=True, slots=True)
class Result:
    """One drill. Times are in seconds."""

    fault: str
    findings: Findings
    unavailable: float  # the longest time without a final answer
    catch_up: float  # from the fault's end until no accepted order waited for more than a second
    p99_ms: float  # from an order's first try to its answer; one in a hundred took longer
    web_mib: float  # the most memory that web took
    restarts: int
    drift: int | None  # units; None where `reconcile` could not tell
    settled: bool  # every outbox became empty
    unanswered: int  # orders whose client gave up
    tried_again: Mapping[str, int]  # answers that were none, by what they were
    notes: tuple[str, ...] = ()
    skipped: str = ""  # why the fault cannot be done here; nothing is known then
    not_done: str = ""  # why the fault has not happened, although it could
    broken: tuple[str, ...] = ()  # promises that the fault itself saw broken

    @property
    def held(self) -> bool:
        """Whether the fault has happened, and every promise was kept."""
        found = self.findings
        wrong = found.lost + found.duplicated + found.oversold + found.wrongly_rejected
        well = wrong == 0 and self.drift == 0 and self.settled and self.unanswered == 0
        return well and not self.skipped and not self.not_done and not self.broken


def skipped(fault: str, reason: str) -> Result:
    """Return the result of a fault that cannot be done here."""
    return Result(
        fault=fault,
        findings=Findings(0, 0, 0, 0, 0, 0, 0),
        unavailable=0.0,
        catch_up=0.0,
        p99_ms=0.0,
        web_mib=0.0,
        restarts=0,
        drift=None,
        settled=True,
        unanswered=0,
        tried_again={},
        skipped=reason,
    )
