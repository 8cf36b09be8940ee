"""The key that anybody may read cannot empty a sale: rates per address and per customer."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from orders.http.replies import Reply
from orders.intake.connection.addresses import client_address
from orders.intake.placing import Intake
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.placing import Request, document, header, headers

Settings = Any
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _public(api_key: str, settings: Settings) -> None:
    settings.DROP_PAGE_API_KEY = api_key
    settings.DROP_PAGE_ORDERS_PER_ADDRESS = 20
    settings.DROP_PAGE_ORDERS_PER_CUSTOMER = 5


def place(key: str, orders: Sequence[tuple[Request, str]], processes: int = 1) -> list[Reply]:
    """Place orders from addresses, in turn by so many web processes, all at once."""

    async def run() -> list[Reply]:
        intakes = [Intake() for _ in range(processes)]
        try:
            return await asyncio.gather(
                *(
                    intakes[number % processes].place_order(
                        headers(key, request.key), request.body(), address
                    )
                    for number, (request, address) in enumerate(orders)
                )
            )
        finally:
            for intake in intakes:
                await intake.close()

    return asyncio.run(run())


def of_fresh_customers(count: int, address: str = "203.0.113.7") -> list[tuple[Request, str]]:
    return [(Request(f"k-{n}", customer=f"bot-{n}"), address) for n in range(count)]


def test_fresh_names_from_one_address_do_not_empty_a_sale(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale(skus={"TEE": 1000})
    replies = place(api_key, of_fresh_customers(250))
    refused = [reply for reply in replies if reply.status == 429]
    assert len(replies) - len(refused) == 20
    assert document(refused[0])["type"] == "/problems/rate-limited"
    assert document(refused[0])["detail"] == "Too many orders from one address."
    assert header(refused[0], "RateLimit-Policy") == '"address";q=20;w=60'
    assert header(refused[0], "Retry-After") == "3"


def test_the_rate_holds_over_all_processes(make_sale: MakeSale, api_key: str) -> None:
    make_sale(skus={"TEE": 1000})
    replies = place(api_key, of_fresh_customers(60), processes=3)
    assert sum(reply.status == 202 for reply in replies) == 20


def test_one_customer_from_many_addresses_is_counted_too(make_sale: MakeSale, api_key: str) -> None:
    make_sale(skus={"TEE": 1000})
    orders = [(Request(f"k-{n}", customer="ada"), f"203.0.113.{n}") for n in range(30)]
    assert sum(reply.status == 202 for reply in place(api_key, orders)) == 5


def test_others_are_not_kept_waiting_by_one_that_sends_much(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale(skus={"TEE": 1000})
    place(api_key, of_fresh_customers(100))
    [honest] = place(api_key, [(Request("k", customer="eve"), "198.51.100.1")])
    assert honest.status == 202


def test_keys_of_a_server_are_not_counted(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    settings.DROP_PAGE_API_KEY = "fso_another"
    make_sale(skus={"TEE": 1000})
    replies = place(api_key, of_fresh_customers(100))
    assert {reply.status for reply in replies} == {202}
    assert not client().keys("{public}*")


def test_what_is_counted_goes_by_itself(make_sale: MakeSale, api_key: str) -> None:
    make_sale(skus={"TEE": 1000})
    place(api_key, of_fresh_customers(250))
    keys: Any = client().keys("{public}*")
    assert len(keys) == 1 + 20, "a customer who was refused for the address takes no memory"
    assert all(0 < int(client().pttl(key)) <= 60_000 for key in keys)  # type: ignore[arg-type]


def test_a_clock_of_redis_that_was_put_back_locks_nobody_out(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale(skus={"TEE": 1000})
    client().set("{public}:address:203.0.113.7", 10**14)
    [reply] = place(api_key, of_fresh_customers(1))
    assert reply.status == 202


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "address"),
    [
        ("203.0.113.7", [], "", "203.0.113.7"),
        ("203.0.113.7", [b"198.51.100.1"], "", "203.0.113.7"),  # anybody can write that
        ("127.0.0.1", [b"198.51.100.1"], "", "127.0.0.1"),
        ("127.0.0.1", [b"198.51.100.1"], "127.0.0.1,::1", "198.51.100.1"),
        ("::1", [b"198.51.100.1"], "127.0.0.1,::1", "198.51.100.1"),
        ("10.0.0.9", [b"198.51.100.1:4711"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.9", [b"[2001:db8::1]:4711"], "10.0.0.0/8", "2001:db8::/64"),
        ("10.0.0.9", [b"6.6.6.6, 198.51.100.1"], "*", "198.51.100.1"),
        ("10.0.0.9", [b"6.6.6.6," * 100 + b"10.0.0.8"], "10.0.0.0/8", "6.6.6.6"),
        ("10.0.0.9", [b"6.6.6.6," + b"10.0.0.8," * 100], "10.0.0.0/8", "10.0.0.9"),
        ("10.0.0.9", [b"6.6.6.6, 198.51.100.1"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.9", [b"6.6.6.6", b"198.51.100.1, 10.0.0.8"], "10.0.0.0/8", "198.51.100.1"),
        ("10.0.0.9", [b"nonsense"], "10.0.0.0/8", "10.0.0.9"),
        ("10.0.0.9", [b""], "10.0.0.0/8", "10.0.0.9"),
        ("2001:db8:1:2:3::4", [], "", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", [], "", "203.0.113.7"),
    ],
)
def test_an_address_is_believed_of_those_who_are_trusted(
    settings: Settings,
    peer: str,
    forwarded_for: list[bytes],
    trusted: str,
    address: str,
) -> None:
    settings.FORWARDED_ALLOW_IPS = trusted
    assert client_address(peer, [(b"x-forwarded-for", each) for each in forwarded_for]) == address
