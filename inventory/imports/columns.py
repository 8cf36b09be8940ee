"""The columns that a file has to hold, and the rule that it is taken whole or not at all."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from import_export import resources
from import_export.results import Result
from tablib import Dataset


class Holds(Enum):
    """The content of a column, which says how its cells are read (`shown`)."""

    TEXT = auto()
    CODE = auto()
    AMOUNT = auto()
    UNITS = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """One column that an import reads: its heading, what it holds, whether it has to be there."""

    name: str  # as the first row writes it
    holds: Holds
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a file that are read; others are passed over."""

    columns: tuple[Column, ...]
    currency: str = ""  # of its amounts; empty: each row has a column of this name

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    def missing_in(self, names: list[str]) -> list[str]:
        return [each.name for each in self.columns if each.is_required and each.name not in names]


class WholeFile(resources.Resource):
    """A resource whose bad row refuses the whole file."""

    columns: Columns
    state: str  # that the file meets; a confirmation of one state is none of another

    def import_data(self, dataset: Dataset, **kwargs: Any) -> Result:
        """Check or take in a file (`dry_run`). Where any row is refused, nothing is changed."""
        return super().import_data(dataset, rollback_on_validation_errors=True, **kwargs)
