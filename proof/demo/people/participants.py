"""The participants of a demo sale: shoppers, customers and a payment provider."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from proof.calls import Caller
from proof.demo.account.records import Records
from proof.demo.opening import Opened

from .customers import Customers
from .provider import Provider, has_no_answer, message_ids
from .shoppers import Shoppers


class Participants(NamedTuple):
    """The shoppers, who place orders, and the customers, who pay or cancel them."""

    shoppers: Shoppers
    customers: Customers


@asynccontextmanager
async def participants(
    url: str, opened: Opened, records: Records, *, elapsed: Callable[[], float]
) -> AsyncIterator[Participants]:
    """Connect all participants with the server at `url`; their answers go into `records`."""

    def caller() -> Caller:
        return Caller(
            url, counts=records.follow_ups.calls, elapsed=elapsed, has_no_answer=has_no_answer
        )

    async with caller() as to_pay, caller() as to_cancel:
        provider = Provider(
            to_pay,
            secret=opened.payment_secret,
            follow_ups=records.follow_ups,
            ids=message_ids(opened.plan.sale),
        )
        async with (
            Customers(
                provider, to_cancel, opened.api_keys, follow_ups=records.follow_ups
            ) as customers,
            Shoppers(
                opened.plan,
                url,
                opened.api_keys,
                book=records.book,
                elapsed=elapsed,
                accepted=customers.take,
            ) as shoppers,
        ):
            yield Participants(shoppers, customers)
