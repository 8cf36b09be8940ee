"""A scenario: something that is measured in one way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.result import Comparison, Result
from bench.trial import Trial


@dataclass(frozen=True)
class Scenario:
    """`measure` does one run of it, and records what it finds in the trial's result."""

    name: str
    about: str
    measure: Callable[[Trial], Awaitable[None]]
    comparison: Comparison | None = None
    notes: tuple[str, ...] = ()

    def new_result(self) -> Result:
        """Return a result without rows."""
        return Result(self.name, self.about, self.comparison, notes=list(self.notes))
