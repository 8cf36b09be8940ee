"""Cells as a person sees them: a text, an amount, a number of units. Nothing is guessed: where a
meaning is not certain, Unclear names the content of the cell, and what to do."""

import re
import unicodedata
from decimal import ROUND_HALF_EVEN, Context, Decimal

from inventory.domain import MAX_QUANTITY, MAX_UNIT_PRICE
from inventory.money import AmountRefused, minor_digits, parse_amount

from .cells import Cell, Kind
from .formats import Display, display_of, shows_text_as_it_is

AS_TEXT = "Format the column as text and write it as it is meant."
_DIGITS = 15  # that a spreadsheet's number has; beyond, they are made up
_LONGEST_SHOWN = 40  # characters of a cell in a message
_NUMBER = re.compile(r"-?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?")
_ERROR = re.compile(r"#[^\W\d_][\w/]*[!?]|#N/A(?: N/A)?|#NV|#N/D|#DIV/0!|#{2,}|Err:[0-9]{3}")
_SHORTENED = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE)
_UNITS = re.compile(r"0|[1-9][0-9]{0,8}")
_THOUSAND = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_UNSEEN = ("Cc", "Cf", "Co", "Cs")  # categories of Unicode: controls, formats, private use
_JOINERS = "\u200c\u200d"  # which scripts and emoji are written with
_KINDS = {
    Kind.BOOLEAN: "is a truth value and no text",
    Kind.ERROR: "is an error of a formula",
    Kind.DATE: "is a date",
    Kind.NOT_CALCULATED: "is a formula without a stored result",
}
_SIGNS = {
    "€": "EUR",
    "£": "GBP EGP FKP GIP SHP SSP",
    "$": "USD AUD BBD BMD BND BSD BZD CAD FJD GYD HKD JMD KYD LRD NAD NZD SBD SGD SRD TTD TWD XCD "
    "ARS CLP COP CUP DOP MXN UYU",
    "US$": "USD",
    "¥": "JPY CNY",
    "￥": "JPY CNY",
    "₹": "INR",
    "₺": "TRY",
    "₽": "RUB",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "₴": "UAH",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "R$": "BRL",
    "kr": "SEK NOK DKK ISK",
    "kr.": "DKK ISK",
    "Fr.": "CHF",
}


class Unclear(ValueError):
    """A cell whose meaning is not certain; the text names what it holds, and what to do."""


def text_of(cell: Cell) -> str:
    """Return a cell as text: a name, a SKU, a currency. Raises Unclear."""
    if cell.kind is Kind.TEXT:
        return _plain_text(cell)
    if cell.kind is not Kind.NUMBER:
        raise _no_text(cell)
    number, display = _number(cell), _display(cell, AS_TEXT)
    if number != int(number) or display.places or display.is_grouped or display.sign:
        text = f"{_quoted(cell)} is a number, and how it is shown depends on the program that opens"
        raise Unclear(f"{text} the file. {AS_TEXT}")
    return f"{int(number):0{max(display.zeros, 1)}d}"


def code_of(cell: Cell) -> str:
    """Return a cell as a SKU or a code. Raises Unclear."""
    text = text_of(cell)
    if _SHORTENED.fullmatch(text) and "+" in text:
        raise Unclear(f"{text!r} is a number that a spreadsheet has shortened. {AS_TEXT}")
    if strange := next((char for char in text if not char.isprintable() or char == "\xa0"), ""):
        raise Unclear(f"{_short(text)!r} holds a sign that nobody sees ({_named(strange)}).")
    return text


def amount_of(cell: Cell, currency: str, *, point_is_decimal: bool = False) -> str:
    """Return a cell as an amount, "12.5", of a currency; "" where it is blank. Raises Unclear.

    `point_is_decimal`: the file is of a kind in which a point is no separator of thousands.
    """
    if cell.is_blank:
        return ""
    text = _plain_number(cell, currency) if cell.kind is Kind.NUMBER else text_of(cell)
    if cell.kind is Kind.TEXT:
        _require_one_meaning(text, currency, point_is_decimal=point_is_decimal)
    try:
        parse_amount(text, currency)
    except AmountRefused as error:
        limits = f"A price is between 0 and {MAX_UNIT_PRICE:,}."
        raise Unclear(f"{error}. {limits}") from None
    return text


def units_of(cell: Cell) -> str:
    """Return a cell as a number of units, "500"; "" where it is blank. Raises Unclear."""
    if cell.is_blank:
        return ""
    text = _plain_number(cell, None) if cell.kind is Kind.NUMBER else text_of(cell)
    if not _UNITS.fullmatch(text):
        raise Unclear(
            f"{_short(text)!r} is no quantity: it is a whole number from 1 to {MAX_QUANTITY:,}, in "
            "digits alone."
        )
    return text


def _require_one_meaning(text: str, currency: str, *, point_is_decimal: bool) -> None:
    if re.fullmatch(r"0[0-9]+(?:\.[0-9]+)?", text):
        raise Unclear(f"{_short(text)!r} begins with a zero: write an amount like 12.50.")
    if not _THOUSAND.fullmatch(text) or (point_is_decimal and minor_digits(currency) > 2):
        return
    as_point, as_thousand = f"{Decimal(text).normalize():f}", text.replace(".", "")
    if len(as_point.partition(".")[2]) <= minor_digits(currency):  # else it is refused for that
        raise Unclear(
            f"{text!r} is a thousand in one country and a decimal in another: write {as_thousand} "
            f"or {as_point}."
        )


def _plain_number(cell: Cell, currency: str | None) -> str:
    """Return a number as digits with a point, if all of it is shown. None: it counts units."""
    number, display = _number(cell), _display(cell, "Show it as a plain number.")
    if not display.is_general and number != round(number, display.places):
        held, shown = _short(f"{number.normalize():f}"), f"{number:.{display.places}f}"
        raise Unclear(
            f"{held} is shown as {shown}: it is not certain which of the two is meant. Round it, "
            "or write it in full."
        )
    if display.sign and not _fits(display.sign, currency):
        raise Unclear(
            f"{number.normalize():f} is shown with {display.sign!r} beside it: remove that."
        )
    return f"{number.normalize():f}"


def _number(cell: Cell) -> Decimal:
    """Return a number with the digits that a spreadsheet keeps. Raises Unclear."""
    if not _NUMBER.fullmatch(cell.raw):
        raise Unclear(f"{_quoted(cell)} is no number that can be read. {AS_TEXT}")
    exact = Decimal(cell.raw)
    if exact.adjusted() >= _DIGITS:
        text = f"{_quoted(cell)} is a number of more than {_DIGITS} digits, of which a spreadsheet"
        raise Unclear(f"{text} has lost some. {AS_TEXT}")
    if cell.raw.startswith("-"):
        raise Unclear(f"{_quoted(cell)} is less than nothing. {AS_TEXT}")
    return Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN).plus(exact)


def _display(cell: Cell, advice: str) -> Display:
    display = display_of(cell.format, is_zero=not Decimal(cell.raw))
    if not display.strange and not (display.is_general or display.zeros or Decimal(cell.raw)):
        display = Display(strange="not at all")  # "#" shows no zero
    if display.strange:
        raise Unclear(f"{_quoted(cell)} is shown {display.strange}. {advice}")
    return display


def _fits(sign: str, currency: str | None) -> bool:
    return currency is not None and (
        sign == currency or currency in _SIGNS.get(sign, "").split() or sign == currency.lower()
    )


def _plain_text(cell: Cell) -> str:
    if cell.is_blank:
        return ""
    text = cell.raw.strip(" ")
    if _ERROR.fullmatch(text):
        raise Unclear(f"{_short(text)!r} is an error of a formula. {AS_TEXT}")
    if "\ufffd" in text:
        raise Unclear(f"{_short(text)!r} has lost a letter (\ufffd): write it again.")
    for char in text:
        if char in "\n\r\u2028\u2029":
            raise Unclear(f"{_short(text)!r} holds a line break: write it in one line.")
        if unicodedata.category(char) in _UNSEEN and char not in _JOINERS:
            raise Unclear(f"{_short(text)!r} holds a sign that nobody sees ({_named(char)}).")
    if text and not shows_text_as_it_is(cell.format):
        raise Unclear(f"{_short(text)!r} is shown otherwise by its format. {AS_TEXT}")
    return text


def _no_text(cell: Cell) -> Unclear:
    advice = AS_TEXT
    if cell.kind is Kind.NOT_CALCULATED:
        advice = "Open the file in a spreadsheet and save it again, or write the value itself."
    return Unclear(f"{_quoted(cell)} {_KINDS[cell.kind]}. {advice}")


def _quoted(cell: Cell) -> str:
    if cell.kind is Kind.BOOLEAN:
        return "TRUE" if cell.raw == "1" else "FALSE"
    return _short(cell.raw)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _named(char: str) -> str:
    return f"U+{ord(char):04X}"
