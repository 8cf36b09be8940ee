"""manage.py watch: a sale while it runs."""

import json
import re
import signal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from inventory import counters
from inventory.models import Sale
from orders.management.sale_watch.pace import Pace
from orders.management.sale_watch.reading import Reader
from orders.reconciliation.history import compare
from shop.core import clock
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import pay, place, placed
from tests.placing import Request, place_all
from tests.processes import await_condition
from tests.terminals import CTRL_C, Terminal, redis_away

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale, api_key: str) -> Sale:
    """A sale with units in each state."""
    sale = make_sale("drop", {"TEE": 50}, limit=10)
    first, _ = placed(sale, api_key, Request("k-1"), Request("k-2", "bob", {"TEE": 2}))
    pay(first)
    place(api_key, Request("k-3", "cy", {"TEE": 3}))
    place_all(api_key, [Request("k-4", "ada", {"TEE": 40})])
    compare(sale, now=clock.now())
    return sale


def watch(*arguments: str) -> str:
    out = StringIO()
    call_command("watch", "drop", "--once", *arguments, stdout=out)
    return out.getvalue()


def test_one_look_says_where_the_units_are(sale: Sale) -> None:
    told = dict(re.split(r"  +", line, maxsplit=1) for line in watch().splitlines())
    assert told["sku TEE"] == "allocated=50 available=44 in_flight=3 held=2 sold=1"
    assert (told["sale"], told["state"], told["backlog"]) == ("drop", "open", "1")
    assert told["drift"] == "0"


def test_its_json_is_that_of_the_reference(sale: Sale) -> None:
    document = json.loads(watch("--json"))
    assert document["skus"] == [
        {"sku": "TEE", "allocated": 50, "available": 44, "in_flight": 3, "held": 2, "sold": 1}
    ]
    assert (document["backlog"], document["drift"], document["trouble"]) == (1, 0, [])
    assert document["oldest_seconds"] >= 0
    assert len(document["last_minute"]) == 60


def test_the_orders_of_the_last_seconds_are_its_rates(sale: Sale) -> None:
    reader = Reader("drop")

    def settled() -> Pace | None:
        pace = reader.read().counts.pace
        counted = pace and (pace.accepted, pace.persisted, pace.rejected)
        return pace if counted == (0.3, 0.2, {"purchase-limit": 0.1}) else None

    pace = await_condition("all four orders are counted", settled)
    assert sum(pace.last_minute) == 3
    assert pace.p99_ms is not None


def test_what_waits_for_a_person_is_counted(sale: Sale, api_client: tuple[object, str]) -> None:
    dead_letter(sale, api_client[0])  # type: ignore[arg-type]
    assert json.loads(watch("--json"))["waiting_for_a_person"]["dead letters"] == 1


def test_an_unknown_sale_is_an_error() -> None:
    with pytest.raises(CommandError, match="no sale 'drop'"):
        watch()


def test_lost_counters_are_said_and_what_else_is_known_is_shown(sale: Sale) -> None:
    counters.fence(sale.pk)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("watch", "drop", "--once", stdout=out)
    assert ended.value.code == 2
    assert "available=- in_flight=- held=2 sold=1" in out.getvalue()
    assert "manage.py rebuild_stock drop" in out.getvalue()


def test_it_goes_on_while_redis_is_away_and_when_it_is_back(sale: Sale) -> None:
    reader = Reader("drop")
    with redis_away():
        away = reader.read()
    assert "Redis does not answer" in away.trouble[0]
    assert [(sku.available, sku.sold) for sku in away.stock] == [(None, 1)]
    back = reader.read()
    assert back.trouble == []
    assert [sku.available for sku in back.stock] == [44]


def test_it_goes_on_while_postgresql_is_away_and_when_it_is_back(sale: Sale) -> None:
    reader = Reader("drop")
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    away = reader.read()
    assert "PostgreSQL does not answer, its figures are of" in away.trouble[0]
    assert [(sku.available, sku.sold) for sku in away.stock] == [(44, 1)]
    assert reader.read().trouble == []


def test_at_a_terminal_it_follows_the_sale_until_ctrl_c(sale: Sale) -> None:
    terminal = Terminal("watch", "drop", columns=90)
    terminal.wait_for("for a person")
    call_command("close_sale", "drop", stdout=StringIO())
    terminal.wait_for("closed")
    terminal.press(CTRL_C)
    assert terminal.wait() == 0
    assert "Traceback" not in terminal.seen
    last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.seen.split("\x1b[?1049l")[-1])
    assert re.search(r"TEE +█.*▓.*▒+░+ +44 +3 +2 +1", last)
    assert "1 orders, the oldest for" in last


def test_programs_get_a_line_a_second_until_they_end_it(sale: Sale) -> None:
    terminal = Terminal("watch", "drop", "--json", columns=10_000)
    terminal.wait_for('"trouble": []', times=2)
    terminal.send_signal(signal.SIGTERM)
    assert terminal.wait() == 0
    documents = [json.loads(line) for line in terminal.seen.split("\r\n") if line.startswith("{")]
    assert len(documents) >= 2
    assert {document["sale"] for document in documents} == {"drop"}
