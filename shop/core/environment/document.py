"""docs/configuration.md: the tables of variables between its markers, made from the table."""

import re

from .table import GROUPS
from .variable import Kind, Variable

_TABLE = re.compile(r"(<!-- variables: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(document: str) -> str:
    """Return `document` with each table between its markers as it should be. Raises KeyError."""
    return _TABLE.sub(lambda found: found[1] + _table(GROUPS[found[2]]) + found[3], document)


def _table(variables: tuple[Variable, ...]) -> str:
    head = "| variable | default | range | what it does |\n| --- | --- | --- | --- |\n"
    return head + "".join(f"{_row(variable)}\n" for variable in variables)


def _row(variable: Variable) -> str:
    default = variable.shown or f"`{variable.default}`"
    return f"| `{variable.name}` | {default} | {_range(variable)} | {variable.means} |"


def _range(variable: Variable) -> str:
    if variable.choices:
        return " \\| ".join(f"`{choice}`" for choice in variable.choices)
    if variable.kind is Kind.FLAG:
        return "`true` \\| `false`"
    return variable.range_text.removeprefix("from ").replace(" to ", "–")
