"""What every file has to hold, and that it is taken whole."""

from typing import Any

from import_export import resources
from import_export.results import Error, Result
from tablib import Dataset


class Columns(tuple[str, ...]):
    """The columns that a file has to have; others are passed over."""

    def __new__(cls, *names: str) -> "Columns":
        return super().__new__(cls, names)

    def missing_in(self, dataset: Dataset) -> list[str]:
        return [name for name in self if name not in dataset.headers]


class WholeFile(resources.Resource):
    """A resource whose bad row refuses the whole file."""

    columns: Columns

    def import_data(self, dataset: Dataset, **kwargs: Any) -> Result:
        """Check or take in a file (`dry_run`). Where any row is refused, nothing is changed."""
        if missing := self.columns.missing_in(dataset):
            result = Result()
            text = f"The first row does not name: {', '.join(missing)}."
            result.append_base_error(Error(ValueError(text)))
            return result
        return super().import_data(dataset, rollback_on_validation_errors=True, **kwargs)
