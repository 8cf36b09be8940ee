"""docs/configuration.md: the tables of variables between its markers, made from the table."""

import re

from .table import GROUPS
from .variable import Kind, Variable

_TABLE = re.compile(r"(<!-- variables: ([a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(document: str) -> str:
    """Return `document` with each table between its markers as it should be. Raises KeyError."""
    return _TABLE.sub(lambda found: found[1] + _table(GROUPS[found[2]]) + found[3], document)


def _table(variables: tuple[Variable, ...]) -> str:
    head = "| variable | default | allowed | what it does |\n| --- | --- | --- | --- |\n"
    return head + "".join(f"{_row(variable)}\n" for variable in variables)


def _row(variable: Variable) -> str:
    default = variable.shown or f"`{variable.default}`"
    return f"| `{variable.name}` | {default} | {_allowed(variable)} | {variable.means} |"


def _allowed(variable: Variable) -> str:
    if variable.choices:
        return " \\| ".join(f"`{choice}`" for choice in variable.choices)
    if variable.kind is Kind.FLAG:
        return "`true` \\| `false`"
    if variable.kind is Kind.ITEMS:
        return f"{variable.form.allowed}; more than one with commas"
    if variable.kind is Kind.TEXT:
        return variable.form.allowed
    return variable.range_text.removeprefix("from ").replace(" to ", "–")
