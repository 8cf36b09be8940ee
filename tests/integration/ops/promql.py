"""What a PromQL expression names: metrics, the labels it selects by, and those it groups by."""

import re
from typing import NamedTuple

_METRIC = re.compile(r"(?<![\w:])(shop_\w+)(?:\{([^}]*)\})?")
_SELECTOR = re.compile(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_LEGEND = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


class Selector(NamedTuple):
    """A condition on a label."""

    label: str
    operator: str
    value: str

    @property
    def wanted(self) -> list[str]:
        """The values that it asks for by name; none where it excludes, or takes a variable."""
        if self.operator.startswith("!") or "$" in self.value:
            return []
        return self.value.split("|") if self.operator == "=~" else [self.value]


def metrics(expression: str) -> dict[str, list[Selector]]:
    """Return the product's metrics that an expression names, with what each is selected by."""
    found: dict[str, list[Selector]] = {}
    for name, selectors in _METRIC.findall(expression):
        found.setdefault(name, []).extend(
            Selector(*parts) for parts in _SELECTOR.findall(selectors)
        )
    return found


def grouping(expression: str) -> set[str]:
    """Return the labels that an expression groups or matches by."""
    named = ",".join(_GROUPING.findall(expression))
    return {label.strip() for label in named.split(",") if label.strip()}


def placeholders(text: str) -> set[str]:
    """Return the labels that a legend, or an alert's text, fills in."""
    return set(_LEGEND.findall(text))
