"""One variable of the environment: its type, its default, its range, and its text for the docs."""

import math
from dataclasses import dataclass
from enum import Enum

from .forms import ANY_TEXT, NO_REASON, Form, unprintable

_YES = frozenset(("1", "true", "yes", "on"))
_NO = frozenset(("0", "false", "no", "off"))


class Kind(Enum):
    """The meaning of a variable's text."""

    TEXT = "text"
    ITEMS = "items"  # texts, separated by commas
    WHOLES = "list of whole numbers, separated by commas,"
    FLAG = "flag"
    WHOLE = "whole number"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable as users meet it. `default` is written as a user would write it; "": unset."""

    name: str
    kind: Kind = Kind.TEXT
    default: str = ""
    means: str  # for docs/configuration.md, in Markdown
    shown: str = ""  # the default as the docs show it, where that is not `default`
    least: float = -math.inf
    most: float = math.inf
    choices: tuple[str, ...] = ()
    form: Form = ANY_TEXT  # of a text, or of each item
    secret: bool = False  # its value is never shown: what is nearly right is nearly the secret

    def parse(self, text: str) -> str | bool | int | float | list[str] | list[int | float]:
        """Return the value that `text` stands for. Raises ValueError, saying what is wrong."""
        match self.kind:
            case Kind.FLAG:
                return _flag(text)
            case Kind.ITEMS:
                return self._items(text)
            case Kind.WHOLES:
                return [self._number(each.strip()) for each in text.split(",")]
            case Kind.WHOLE | Kind.NUMBER:
                return self._number(text)
            case _:
                return self._text(text)

    @property
    def expected(self) -> str:
        """The form of a value in words: "a whole number from 1 to 1000"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind is Kind.FLAG:
            return "true or false"
        if self.kind is Kind.ITEMS:
            return f"{self.form.allowed}, more than one with commas,".replace(",,", ",")
        if self.kind is Kind.TEXT:
            return self.form.allowed
        return f"a {self.kind.value}{self.range_text and ' ' + self.range_text}"

    @property
    def range_text(self) -> str:
        """The range of a number: "from 1 to 1000"; "" where it has none."""
        if math.isinf(self.least) and math.isinf(self.most):
            return ""
        return f"from {self.least:,} to {self.most:,}"

    def _number(self, text: str) -> int | float:
        # Not int() alone: it takes "1_000", " 5 " and digits of other scripts.
        plain = text.removeprefix("-")
        if not text.isascii() or not plain.replace(".", "", 1).isdigit() or len(text) > 20:
            raise ValueError(self._is_expected())
        if self.kind is not Kind.NUMBER and "." in text:
            raise ValueError(self._is_expected())
        value = float(text) if self.kind is Kind.NUMBER else int(text)
        if not self.least <= value <= self.most:
            raise ValueError(self._is_expected())
        return value

    def _items(self, text: str) -> list[str]:
        items = [item for each in text.split(",") if (item := each.strip())]
        if not items:
            raise ValueError(self._is_expected())
        for number, item in enumerate(items, 1):
            if fault := self._fault(item):
                which = "" if len(items) == 1 else f"number {number} is not that; "
                raise ValueError(which + self._is_expected(fault))
        return items

    def _text(self, text: str) -> str:
        if self.choices:
            if text not in self.choices:
                raise ValueError(self._is_expected())
        elif fault := self._fault(text):
            raise ValueError(self._is_expected(fault))
        return text

    def _fault(self, text: str) -> str:
        return NO_REASON if unprintable(text) else self.form.fault(text)

    def _is_expected(self, reason: str = NO_REASON) -> str:
        because = "" if reason == NO_REASON else f"{reason}; "
        return f"{because}{self.expected} is expected.".replace("`", "")


def _flag(text: str) -> bool:
    if text.lower() not in _YES | _NO:
        raise ValueError("true or false is expected.")
    return text.lower() in _YES
