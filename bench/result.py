"""The measurements of a scenario, run by run, and its conclusions. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.figures import Figures, medians


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of each row as a multiple of that of the row `to`."""

    figure: str
    to: str

    @property
    def title(self) -> str:
        """The name of the column."""
        return f"{self.figure} ÷ {self.to}"


@dataclass
class Result:
    """The rows of one scenario; a row is a contestant or a variant."""

    scenario: str
    about: str
    comparison: Comparison | None = None
    notes: list[str] = field(default_factory=list)
    rows: dict[str, list[Figures]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)  # why, by what was
    failed: dict[str, str] = field(default_factory=dict)  # how, by what has

    def record(self, row: str, figures: Figures) -> None:
        """Keep what one run has measured."""
        self.rows.setdefault(row, []).append(figures)

    def note(self, text: str) -> None:
        """Have `text` stand below the table, once."""
        if text not in self.notes:
            self.notes.append(text)

    def median(self, row: str, figure: str) -> float | None:
        """Return the median of a figure over the runs, None where it was not measured."""
        return medians(self.rows.get(row, [])).get(figure)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return each row's medians, and what they are compared with the row for that."""
        rows = {row: medians(runs) for row, runs in self.rows.items()}
        if self.comparison:
            for row in rows.values():
                _compare(row, rows, self.comparison)
        return rows

    def document(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        summary = self.summary()
        return {
            "about": self.about,
            "rows": {
                row: {"median": summary[row], "runs": [dict(run) for run in runs]}
                for row, runs in self.rows.items()
            },
            "skipped": self.skipped,
            "failed": self.failed,
            "notes": self.notes,
        }


def _compare(
    row: dict[str, float], rows: Mapping[str, Mapping[str, float]], comparison: Comparison
) -> None:
    base = rows.get(comparison.to, {}).get(comparison.figure)
    if base and comparison.figure in row:
        row[comparison.title] = row[comparison.figure] / base
