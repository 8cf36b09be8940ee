"""No command ends with a traceback: 0 done, 1 refused, 2 not now, and one line says why."""

import logging
from typing import Any

import pytest
import redis
from django.db import connection

from inventory.models import Product, Sale
from orders.models import ApiClient, Endpoint
from shop.core.command_line.commands import run_command_line
from shop.core.stores import redis as servers
from tests.conftest import MakeSale
from tests.processes import free_port

pytestmark = pytest.mark.django_db(transaction=True)

LATE = "9999-12-31T23:59:59-05:00"
NEW = ["create_sale", "new", "--sku"]


def each(arguments: list[Any], *values: str) -> list[list[str]]:
    """The arguments with each of the values in place of `...`."""
    return [[value if one is ... else one for one in arguments] for value in values]


REFUSED = [
    *(
        [*NEW, sku]
        for sku in ("A:1:1e99999999", "A:1:" + "9" * 4500, "A:1:-1", "A:1:1.005", "A:1:NaN")
    ),
    *(
        [*NEW, sku]
        for sku in ("A", "A:", ":1", "A:0", "A:-1", "A:1000000001", "A:١", "A:1:١", "A:1_0")
    ),
    *(
        [*NEW, sku]
        for sku in ("", "A B:1", "ü:1", "A:1:1:1", "A:" + "9" * 5000, "A:1e3", "A:1:", "A:1:1,5")
    ),
    [*NEW, "A:1", "--sku", "A:2"],
    *each([*NEW, "A:1", "--currency", ...], "eur", "EUE", "XXX", "", "EURO", "€"),
    *(
        [*NEW, "A:1", "--limit", limit]
        for limit in ("-1", "1e9", "1000000001", "٣", "1_0", "", "9" * 5000)
    ),
    *each([*NEW, "A:1", "--hold", ...], "0", "-1", "1e9", "2592001", "٣", "", "1.5"),
    *(
        [*NEW, "A:1", "--closes", when]
        for when in (LATE, "0001-01-01T00:00:00+14:00", "infinity", "")
    ),
    *(
        [*NEW, "A:1", "--opens", when]
        for when in (LATE, "0044-03-15 BC", "2026-06-30T23:59:60Z", "١٩٩٩-01-01")
    ),
    [*NEW, "A:1", "--closes", "2000-01-01"],
    [*NEW, "A:1", "--name", "x" * 201],
    [*NEW, "A:1", "--name", "a\x1b[31m"],
    [*NEW, "A:1", "--payment", "maybe"],
    *(
        ["create_sale", slug, "--sku", "A:1"]
        for slug in ("", "a b", "ü", "a\0", "a\udcff", "x" * 65)
    ),
    ["create_sale", "drop", "--sku", "A:1"],
    ["create_sale"],
    *(
        [name, "nowhere"]
        for name in ("close_sale", "open_sale", "pause_sale", "rebuild_stock", "watch")
    ),
    *each([..., ""], "close_sale", "open_sale", "rebuild_stock", "watch", "show_order"),
    *each([..., "a\0b"], "close_sale", "pause_sale", "reconcile", "rotate_key", "watch"),
    *each(["extend_sale", "drop", "--closes", ...], LATE, "tomorrow", "", "2000-01-01"),
    ["extend_sale", "drop"],
    *each(["change_limit", "drop", ...], "-1", "1e9", "0", "٣", "1000000001"),
    *(
        ["add_stock", "drop", "--sku", sku]
        for sku in ("TEE:0", "HAT:1", "TEE:1:5", "TEE:1e9", "TEE:٣")
    ),
    ["add_stock", "drop", "--sku", "TEE:1000000000"],
    *each(["create_client", ...], "", "x" * 300, "a\0", "a\udcff", "storefront"),
    *(
        ["create_client", "app", "--rate", rate]
        for rate in ("0", "-1", "1e9", "x", "٣", "9" * 5000)
    ),
    ["create_client", "app", "--key-from", "/nowhere/key"],
    ["rotate_key", "nobody"],
    *(
        ["create_webhook", url]
        for url in ("", "x", "ftp://a.example", "https://", "http://[", "https://a b")
    ),
    ["create_webhook", "https://" + "x" * 5000 + ".example"],
    ["create_webhook", "https://a.example", "--event", "order.lost"],
    ["create_webhook", "https://a.example", "--client", "nobody"],
    ["disable_webhook", "https://nowhere.example"],
    ["replay_notifications", "--since", "yesterday"],
    ["replay_notifications", "--since", "2026-01-02", "--until", "2026-01-01"],
    *each(["show_order", ...], "x", "01a1fd85-43c5-8000-8005-239ea9662356", "٣"),
    *each(["list_sales", "--most", ...], "0", "-1", "x", "9" * 30),
    ["list_sales", "--state", "sold"],
    ["profile_process", "nobody"],
    ["profile_process", "web", "--seconds", "NaN"],
]


@pytest.fixture(autouse=True)
def _shop(make_sale: MakeSale, api_key: str) -> None:
    make_sale("drop", {"TEE": 5})


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Any:
    # What an earlier test's exporter could not export is said by a thread of its own, any time.
    caplog.set_level(logging.CRITICAL, logger="opentelemetry")

    def call(*arguments: str) -> tuple[int, str]:
        try:
            code = run_command_line(["manage.py", *arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        return code, capsys.readouterr().err

    return call


def kept() -> list[Any]:
    models = (Sale, Product, ApiClient, Endpoint)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_what_is_refused_changes_nothing(run: Any) -> None:
    before = kept()
    wrong = []
    for arguments in REFUSED:
        code, said = run(*arguments)
        in_a_line = len(said.strip().splitlines()) == 1 and len(said) < 400
        if (code, in_a_line, kept() == before) != (1, True, True):
            wrong.append((arguments, code, said))
    assert wrong == []


WRITES = [
    ["create_sale", "new", "--sku", "A:1"],
    ["pause_sale", "drop"],
    ["close_sale", "drop"],
    ["add_stock", "drop", "--sku", "TEE:1"],
    ["change_limit", "drop", "3"],
    ["create_client", "app"],
    ["rotate_key", "storefront"],
    ["create_webhook", "https://a.example"],
    ["rebuild_stock", "drop"],
    ["expire_holds"],
]


@pytest.fixture
def _read_only() -> Any:
    """A PostgreSQL that takes no writes, as a standby after a failover."""
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    connection.close()
    yield
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")
        cursor.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
    connection.close()


@pytest.mark.usefixtures("_read_only")
def test_where_postgresql_is_read_only_it_is_said(run: Any) -> None:
    before = kept()
    wrong = []
    for arguments in WRITES:
        code, said = run(*arguments)
        if (code, len(said.strip().splitlines()), "read-only" in said) != (2, 1, True):
            wrong.append((arguments, code, said))
    assert wrong == []
    assert kept() == before


REDIS_WRITES = [
    each for each in WRITES if each[0] not in ("create_client", "rotate_key", "create_webhook")
]


@pytest.mark.parametrize("arguments", REDIS_WRITES, ids=lambda given: given[0])
def test_where_redis_is_a_replica_it_is_said(
    arguments: list[str], run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers.client()
    server.execute_command("REPLICAOF", "127.0.0.1", str(free_port()))
    server.config_set("replica-serve-stale-data", "yes")
    try:
        code, said = run(*arguments)
    finally:
        server.execute_command("REPLICAOF", "NO", "ONE")
    assert code in (0, 2) if arguments == ["expire_holds"] else code == 2, said
    assert len(said.strip().splitlines()) == (code == 2), said


def test_a_fault_of_ours_is_one_line_too(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise redis.ResponseError("OOM command not allowed")

    monkeypatch.setattr("inventory.services.rules.publish_rules", fail)
    assert run("pause_sale", "drop")[0] == 2
    monkeypatch.setattr("inventory.services.rules.publish_rules", lambda sale: 1 / 0)
    code, said = run("close_sale", "drop")
    assert (code, len(said.strip().splitlines())) == (2, 1)
    assert "ZeroDivisionError" in said
