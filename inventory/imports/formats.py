"""Number formats of spreadsheets, as far as it is certain how they show a number.

A format that is not understood to its last sign is said to be strange, and nothing is read through
it. Source: ECMA-376 part 1, 18.8.30 and 18.8.31.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|(?P<space>[_*].|\s)|\[(?P<bracket>[^\]]*)\]'
    r"|(?P<general>General)|(?P<power>E[+-])|(?P<digits>[0#?]+)|(?P<point>\.)|(?P<comma>,)"
    r"|(?P<percent>%)|(?P<text>@)|(?P<letter>[A-Za-z])|(?P<fraction>/)|(?P<other>.)",
    re.DOTALL | re.IGNORECASE,
)
_COLOUR = re.compile(
    r"black|blue|cyan|green|magenta|red|white|yellow|color ?[0-9]{1,2}", re.IGNORECASE
)
_CURRENCY = re.compile(r"\$(?P<sign>[^-\]]*)(?:-[0-9A-F]{1,4})?", re.IGNORECASE)
_TEXT_ALONE = re.compile(
    r"(?:\[[A-Za-z]+ ?[0-9]*\]|[_*].|\s)*(?:@|General)?(?:[_*].|\s)*", re.IGNORECASE
)
_LONGEST = 255  # characters of a format, as Excel has it


@dataclass(frozen=True, slots=True)
class Display:
    """The way a number is shown. Where `strange` says something, the other fields mean nothing."""

    is_general: bool = False  # as many digits as it takes
    zeros: int = 0  # digits before the point, at least
    places: int = 0  # digits after the point, at most
    is_grouped: bool = False
    sign: str = ""  # what stands beside the number: "€"
    strange: str = ""  # how it is shown otherwise: "a date"


@lru_cache(maxsize=512)
def display_of(number_format: str, *, is_zero: bool) -> Display:
    """Return how a format shows a number from 0 up."""
    if len(number_format) > _LONGEST:
        return Display(strange="in a format that is too long")
    sections = _sections(number_format or "General")
    numbers = [each for each in sections[:3] if "@" not in _bare(each)] or ["General"]
    return _display(numbers[2] if is_zero and len(numbers) == 3 else numbers[0])


def shows_text_as_it_is(number_format: str) -> bool:
    """Tell whether a format shows a text as it stands: not none of it, and nothing beside it."""
    sections = _sections(number_format[:_LONGEST])
    if len(sections) > 3:
        return bool("@" in sections[3] and _TEXT_ALONE.fullmatch(sections[3]))
    return all(_TEXT_ALONE.fullmatch(each) for each in sections if "@" in _bare(each))


def _sections(number_format: str) -> list[str]:
    """Return what stands between the semicolons that are not part of a text."""
    sections = [""]
    for token in _TOKEN.finditer(number_format):
        if token["other"] == ";":
            sections.append("")
        else:
            sections[-1] += token[0]
    return sections


def _bare(section: str) -> str:
    return re.sub(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]', "", section)


def _display(section: str) -> Display:
    reading = _Reading()
    for token in _TOKEN.finditer(section):
        reading.take(token)
        if reading.strange:
            return Display(strange=reading.strange)
    return reading.display()


class _Reading:
    """One section, as far as it has been read."""

    def __init__(self) -> None:
        self.strange = ""
        self.sign = ""
        self.is_general = self.is_grouped = self.has_point = self.has_ended = False
        self.before = self.after = ""  # the digits' places
        self.open_comma = False

    def take(self, token: re.Match[str]) -> None:
        kind = token.lastgroup or "other"
        match kind:
            case "digits":
                self._digits(token[0])
            case "general":
                self.is_general = True
            case "point":
                self.has_point = True
            case "comma":
                self.open_comma = True
            case "quoted" | "escaped" | "other":
                self._beside(token[kind])
            case "bracket":
                self._bracket(token["bracket"])
            case "space":
                self._beside("")
            case _:
                self.strange = _STRANGE[kind]

    def display(self) -> Display:
        if self.open_comma:
            return Display(strange="in thousands")
        if self.is_general == bool(self.before or self.after):
            return Display(strange="as something else than a number" if self.sign else "not at all")
        return Display(
            is_general=self.is_general,
            zeros=self.before.count("0"),
            places=len(self.after),
            is_grouped=self.is_grouped,
            sign=self.sign.strip(),
        )

    def _digits(self, digits: str) -> None:
        if self.has_ended:
            self.strange = "with signs between its digits"
        elif self.has_point:
            if self.open_comma:
                self.strange = "in thousands"
            self.after += digits
        else:
            self.is_grouped = self.is_grouped or self.open_comma
            self.open_comma = False
            self.before += digits

    def _beside(self, text: str) -> None:
        self.has_ended = bool(self.before or self.after or self.is_general or self.has_point)
        self.sign += text

    def _bracket(self, inside: str) -> None:
        if _COLOUR.fullmatch(inside):
            return
        if (currency := _CURRENCY.fullmatch(inside)) is None:
            self.strange = "by a rule of its own"
        else:
            self._beside(currency["sign"])


_STRANGE = {
    "power": "as a power of ten",
    "percent": "as a percentage",
    "text": "as text",
    "letter": "as a date or a time",
    "fraction": "as a fraction",
}
