"""A moment that Python cannot hold costs nobody the rows beside it."""

from datetime import UTC, datetime

import pytest
from django.db import connection

from shop.core import clock
from shop.core.stores.moments import FIRST, LAST

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("infinity", LAST),
        ("-infinity", FIRST),
        ("12026-01-01 00:00+00", LAST),
        ("294276-12-31 23:59:59+00", LAST),
        ("9999-12-31 23:59:59-05", LAST),
        ("9999-12-31 23:59:59.999999+00", LAST),
        ("0044-03-15 BC", FIRST),
        ("4713-01-01 BC", FIRST),
        ("0001-01-01 00:00:00+14", FIRST),
        ("2026-11-27 12:00:00.25+01", datetime(2026, 11, 27, 11, 0, 0, 250_000, tzinfo=UTC)),
        (None, None),
    ],
)
@pytest.mark.parametrize("kind", ["%s::timestamptz", "(array[%s::timestamptz])"])
def test_a_moment_is_read_as_the_nearest_there_is(
    kind: str, written: str | None, read: datetime | None
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {kind}", [written])
        (found,) = cursor.fetchone()
    assert (found[0] if isinstance(found, list) else found) == read
    if read is not None:
        assert clock.rfc3339(clock.to_ms(read)).endswith("Z")
