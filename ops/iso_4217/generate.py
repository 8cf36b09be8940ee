"""Writes inventory/iso_4217.py from the list that ISO 4217's maintenance agency publishes.

The agency (SIX) publishes the list of current currencies and funds as "list-one.xml", see
https://www.iso.org/iso-4217-currency-codes.html. After an amendment:

    python ops/iso_4217/generate.py list-one.xml > inventory/iso_4217.py
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import fill
from xml.etree import ElementTree

MODULE = '''"""The currencies of ISO 4217 and how many places each has.

Written by ops/iso_4217/generate.py from the maintenance agency's list one of {published}. What has
no minor unit in it (gold, drawing rights, codes for tests and for no currency) is not here: nothing
is sold for it.
"""

# Codes by the number of their decimal places.
_BY_PLACES = {{
{places}
}}

MINOR_UNITS = {{code: places for places, codes in _BY_PLACES.items() for code in codes.split()}}
'''


def read_list(text: str) -> tuple[str, dict[str, int]]:
    """Return the date of publication, and the places of each code that has any."""
    root = ElementTree.fromstring(text)  # noqa: S314 - the agency's file, named by a developer
    return root.attrib["Pblshd"], dict(_places(root))


def _places(root: ElementTree.Element) -> Iterator[tuple[str, int]]:
    for entry in root.iter("CcyNtry"):
        code, places = entry.findtext("Ccy"), entry.findtext("CcyMnrUnts", "")
        if code and places.isdigit():  # Antarctica has no currency; gold has "N.A." places
            yield code, int(places)


def module(published: str, currencies: Mapping[str, int]) -> str:
    """Return the module's text."""
    by_places: dict[int, list[str]] = defaultdict(list)
    for code, places in sorted(currencies.items()):
        by_places[places].append(code)
    blocks = (_block(places, codes) for places, codes in sorted(by_places.items()))
    return MODULE.format(published=published, places="\n".join(blocks))


def _block(places: int, codes: list[str]) -> str:
    text = fill(" ".join(codes), width=88, initial_indent=" " * 8, subsequent_indent=" " * 8)
    return f'    {places}: """\n{text}\n    """,'


if __name__ == "__main__":
    sys.stdout.write(module(*read_list(Path(sys.argv[1]).read_text(encoding="utf-8"))))
