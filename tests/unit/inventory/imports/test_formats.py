"""Number formats: what they show is certain, or they are said to be strange."""

import pytest

from inventory.imports.formats import Display, display_of, shows_text_as_it_is

EUROS = Display(zeros=1, places=2, is_grouped=True, sign="€")


@pytest.mark.parametrize(
    ("number_format", "display"),
    [
        ("General", Display(is_general=True)),
        ("", Display(is_general=True)),
        ("@", Display(is_general=True)),
        ("0", Display(zeros=1)),
        ("00000", Display(zeros=5)),
        ("0.00", Display(zeros=1, places=2)),
        ("#,##0.00", Display(zeros=1, places=2, is_grouped=True)),
        ("#,##0.00 [$€-407]", EUROS),
        ('#,##0.00\\ "€"', EUROS),
        ('_-* #,##0.00 "€"_-;\\-* #,##0.00 "€"_-;_-* "-"?? "€"_-;_-@_-', EUROS),
        ("[$-407]0.00", Display(zeros=1, places=2)),
        ("[Red]0.00;[Blue]-0.00", Display(zeros=1, places=2)),
        ("0.0#", Display(zeros=1, places=2)),
        ('0" pcs"', Display(zeros=1, sign="pcs")),
        ('"SKU-"0000', Display(zeros=4, sign="SKU-")),
    ],
)
def test_what_a_format_shows_of_a_number(number_format: str, display: Display) -> None:
    assert display_of(number_format, is_zero=False) == display


@pytest.mark.parametrize(
    ("number_format", "strange"),
    [
        ("0%", "as a percentage"),
        ("0.00E+00", "as a power of ten"),
        ("?/?", "as a fraction"),
        ("# ?/?", "with signs between its digits"),
        ("mm-dd-yy", "as a date or a time"),
        ("[h]:mm:ss", "by a rule of its own"),
        ("[$-409]d-mmm", "as a date or a time"),
        ("[>100]0;0.00", "by a rule of its own"),
        ("[DBNum1]0", "by a rule of its own"),
        ("[$-2000401]0", "by a rule of its own"),  # in Arabic digits
        ("#,##0,", "in thousands"),
        ("0.0,,", "in thousands"),
        ("000-000", "with signs between its digits"),
        ("# ##0", "with signs between its digits"),
        ('0"."00', "with signs between its digits"),
        (";;;", "not at all"),
        ('"unknown"', "as something else than a number"),
        ("0" * 300, "in a format that is too long"),
    ],
)
def test_a_format_that_shows_something_else_is_strange(number_format: str, strange: str) -> None:
    assert display_of(number_format, is_zero=False).strange == strange


def test_nought_has_a_format_of_its_own() -> None:
    assert display_of('0.00;-0.00;"free"', is_zero=True).strange
    assert display_of("0.00;-0.00;0", is_zero=True) == Display(zeros=1)
    assert display_of("0.00;-0.00", is_zero=True) == Display(zeros=1, places=2)


@pytest.mark.parametrize("shown", ["General", "@", "0.00", "0;0;0;@", "_(@_)", "0;[Red]-0;0;_-@_-"])
def test_most_formats_show_a_text_as_it_is(shown: str) -> None:
    assert shows_text_as_it_is(shown)


@pytest.mark.parametrize("hidden", [";;;", '"SKU-"@', '@" pcs"', "0;0;0;", '0;0;0;"none"'])
def test_a_format_that_adds_to_a_text_or_hides_it_is_known(hidden: str) -> None:
    assert not shows_text_as_it_is(hidden)
