"""JSON that is kept as it was written."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class JsonText(_TextField):
    """A JSON value as text: PostgreSQL's `json`, which checks what it is given and keeps it as it
    is. `jsonb` would keep what it means: 1e307 as 308 digits, -0.0 as 0.0."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """PostgreSQL's type that keeps JSON as it was written."""
        return "json"

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Read it as text: the driver would make Python's values of it."""
        return f"{sql}::text", params
