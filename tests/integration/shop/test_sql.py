"""Rows on their way into `unnest`."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop.core.stores import sql

pytestmark = pytest.mark.django_db

TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
) | st.sampled_from(
    ["", "NULL", "null", "{}", '"', "\\", "a,b", " a ", "'", "%s", "\n", '{"a": [1, "\\""]}']
)


def read_back(values: list[Any], kind: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM unnest(%s::{kind}[])", [sql.array(values)])
        return [value for (value,) in cursor.fetchall()]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS | st.none(), max_size=8))
def test_any_text_arrives_as_it_was(texts: list[str | None]) -> None:
    assert read_back(texts, "text") == texts


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, None, -(2**63)], "bigint"),
        ([Decimal("12.5000"), None, Decimal("1E+3"), Decimal(0)], "numeric"),
        ([0.1, 1e300, -5.0], "float8"),
        ([True, False, None], "boolean"),
        ([], "text"),
    ],
)
def test_numbers_arrive_as_they_were(values: list[Any], kind: str) -> None:
    assert read_back(values, kind) == values


def test_rows_become_columns_of_one_length(tmp_path: Path) -> None:
    statement = tmp_path / "two.sql"
    statement.write_text("SELECT * FROM unnest(%(a)s::text[], %(b)s::int[])")
    rows = [("x", 1), (None, 2)]
    assert sql.run(statement, sql.columns(["a", "b"], rows)) == rows
    assert sql.run(statement, sql.columns(["a", "b"], [])) == []
