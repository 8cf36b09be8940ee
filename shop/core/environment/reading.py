"""Reading the environment by its table: an unusable value is named, and stops the start."""

import sys
from collections.abc import Mapping
from typing import Any

from .forms import shown
from .rules import contradictions
from .table import VARIABLES
from .variable import Variable


class Unusable(ValueError):
    """Variables have values that cannot be used; `lines` names each with its value and range."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


class Environment:
    """The variables of the table as typed values. An empty variable counts as unset."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """Read all variables of the table from `values`. Raises Unusable, naming each fault."""
        self._values: dict[str, Any] = {}
        self._given = {variable.name for variable in VARIABLES if values.get(variable.name)}
        wrong = []
        for variable in VARIABLES:
            try:
                self._values[variable.name] = _value(variable, values)
            except ValueError as error:
                wrong.append(f"{_said(variable, values[variable.name])}: {error}")
        if wrong := wrong or contradictions(values):
            raise Unusable(wrong)

    def given(self, name: str) -> bool:
        """Tell whether the environment sets a value."""
        return name in self._given

    def text(self, name: str) -> str:
        """Return a text; "" where it is unset and has no default."""
        return str(self._values[name])

    def flag(self, name: str) -> bool:
        """Return a flag; False where it is unset and has no default."""
        return bool(self._values[name])

    def whole(self, name: str) -> int:
        """Return a whole number."""
        return int(self._values[name])

    def number(self, name: str) -> float:
        """Return a number."""
        return float(self._values[name])

    def wholes(self, name: str) -> list[int]:
        """Return a list of whole numbers; empty where it is unset and has no default."""
        return [int(number) for number in self._values[name] or []]

    def items(self, name: str) -> list[str]:
        """Return a list of texts; empty where it is unset and has no default."""
        return list(self._values[name] or [])


def stop_if_unusable(values: Mapping[str, str]) -> None:
    """End the process with a line for each variable that cannot be used."""
    try:
        Environment(values)
    except Unusable as error:
        sys.exit(f"{error}\nSee docs/configuration.md.")


def _value(variable: Variable, values: Mapping[str, str]) -> Any:
    text = values.get(variable.name) or variable.default
    return variable.parse(text) if text else ""


def _said(variable: Variable, text: str) -> str:
    if variable.secret:
        return f"{variable.name} (its value is not shown)"
    return f"{variable.name}={shown(text, is_url=variable.form.is_url)}"
