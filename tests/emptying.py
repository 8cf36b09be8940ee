"""Emptying the database after a test that committed: at the cost of the rows that it left.

Django truncates every table and asks each app to set itself up anew, which takes ninety
milliseconds of CPU a test. Tests here leave a handful of rows in a handful of tables. Django
connects anew for every test, too; a new connection costs PostgreSQL a process, which learns about
every table again.
"""

from functools import cache
from typing import Any

from django.db import connection
from django.test import TransactionTestCase

# Made by `migrate`, and read by tests: content types, permissions and the roles that hold them.
KEPT = (
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
)
RESTORE_CHANNELS = """
    INSERT INTO orders_endpoint (channel, active, url, events, secret, previous_secret,
        disabled_reason, created_at)
    SELECT channel, channel = 'email', '', '{}', '', '', '', now()
    FROM unnest('{email,sms}'::text[]) channel;
"""


def empty_tables(*_: Any) -> None:
    """Delete every row that tests may have written, past the triggers that forbid it."""
    connection.ensure_connection()
    if not connection.is_usable():  # the test has cut it
        connection.close()
    names = [connection.ops.quote_name(name) for name in _tables(connection.settings_dict["NAME"])]
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in names)
        )
        used = [name for (name,) in cursor.fetchall()]
        if used:
            # The channels to customers are there from the start, as `migrate` leaves them.
            restore = RESTORE_CHANNELS if '"orders_endpoint"' in used else ""
            deletions = "".join(f"DELETE FROM {name}; " for name in used)
            past = "SET LOCAL session_replication_role = replica"
            cursor.execute(f"BEGIN; {past}; {deletions} {restore} COMMIT")


@cache
def _tables(_database: str) -> list[str]:
    return [name for name in connection.introspection.table_names() if name not in KEPT]


def install() -> None:
    """Clean up by `empty_tables` after every test that commits, and keep the connection."""
    TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[method-assign]
    TransactionTestCase._should_reload_connections = _no  # type: ignore[method-assign]


def _no(_: TransactionTestCase) -> bool:
    return False
