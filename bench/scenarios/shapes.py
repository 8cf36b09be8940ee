"""The cost of other requests: more lines, SKUs or sales, replays, reads, webhooks."""

import asyncio
from collections.abc import Mapping, Sequence
from time import perf_counter

from bench.load.orders import Orders, order_body
from bench.load.wrk import Answers
from bench.measuring import (
    PLENTY,
    SKU,
    fresh_sale,
    new_slug,
    simple_orders,
    until_persisted,
    warm_up,
    workers_paused,
)
from bench.product import RunningProduct
from bench.receiver import CountingReceiver
from bench.result import Comparison
from bench.scenario import Scenario
from bench.trial import Trial
from proof.waiting import until
from shop.local.database import ask

LINES, SKUS, SALES = 5, 100, 20
AT_A_TIME = 4  # sales that are opened at the same time
READ_ORDERS = 1_000
DELIVERY_SECONDS = 30.0  # that the last webhook is waited for
ONE_LINE = "one line"
SOME_ORDERS = "SELECT id::text FROM orders_order LIMIT %s"


async def measure(trial: Trial) -> None:
    """Measure each shape in turn on one product; it has persisted one before the next begins."""
    env = {"WEBHOOK_ALLOW_PRIVATE": "1"}  # the receiver is on this machine
    async with trial.product(env=env) as product:
        await warm_up(trial, product)
        await _one_line_and_replays(trial, product)
        await _many_lines(trial, product)
        await _many_skus(trial, product)
        await _many_sales(trial, product)
        await _reads(trial, product)
        await _with_webhook(trial, product)


async def _one_line_and_replays(trial: Trial, product: RunningProduct) -> None:
    sale = await fresh_sale(product)
    orders = simple_orders(product, sale)
    await _place(trial, product, ONE_LINE, orders, [sale])
    accepted = await product.accepted(sale)
    async with workers_paused(product):
        again = await trial.closed_loop().place(product.url, orders, repeat_after=accepted)
    trial.result.record("replays", _figures(again.rate, again))


async def _many_lines(trial: Trial, product: RunningProduct) -> None:
    sale, skus = new_slug(), [f"{SKU}-{number}" for number in range(LINES)]
    await product.open_sale(sale, dict.fromkeys(skus, PLENTY))
    orders = Orders(product.api_key, [order_body(sale, skus)])
    await _place(trial, product, f"{LINES} lines", orders, [sale])


async def _many_skus(trial: Trial, product: RunningProduct) -> None:
    sale, skus = new_slug(), [f"{SKU}-{number}" for number in range(SKUS)]
    await product.open_sale(sale, dict.fromkeys(skus, PLENTY))
    orders = Orders(product.api_key, [order_body(sale, [sku]) for sku in skus])
    await _place(trial, product, f"{SKUS} SKUs", orders, [sale])


async def _many_sales(trial: Trial, product: RunningProduct) -> None:
    sales: list[str] = []
    for _ in range(0, SALES, AT_A_TIME):
        sales += await asyncio.gather(*(fresh_sale(product) for _ in range(AT_A_TIME)))
    orders = Orders(product.api_key, [order_body(sale, [SKU]) for sale in sales])
    await _place(trial, product, f"{SALES} sales", orders, sales)


async def _place(
    trial: Trial, product: RunningProduct, row: str, orders: Orders, sales: Sequence[str]
) -> None:
    """Place orders for all `sales` while workers are paused, then let them be persisted."""
    trial.say(row)
    async with workers_paused(product):
        answers = await trial.closed_loop().place(product.url, orders)
    accepted = sum([await until_persisted(product, sale) for sale in sales])
    trial.result.record(row, _figures(accepted / answers.seconds, answers))


async def _reads(trial: Trial, product: RunningProduct) -> None:
    sale = await fresh_sale(product)
    rows = await ask(product.stack.endpoints.database_url, SOME_ORDERS, READ_ORDERS)
    paths = {
        "GET sale": [f"/api/v1/sales/{sale}"],
        "GET order": [f"/api/v1/orders/{order_id}" for (order_id,) in rows],
    }
    for row, some in paths.items():
        trial.say(row)
        answers = await trial.closed_loop().get(product.url, some, api_key=product.api_key)
        trial.result.record(row, _figures(answers.rate, answers))


async def _with_webhook(trial: Trial, product: RunningProduct) -> None:
    """Tell a receiver of each order while workers run, until it has heard of all or time is up."""
    trial.say("a webhook")
    async with CountingReceiver() as receiver:
        await product.stack.manage("create_webhook", receiver.url, "--event", "order.placed")
        sale, began = await fresh_sale(product), perf_counter()
        answers = await trial.closed_loop().place(product.url, simple_orders(product, sale))
        accepted = await until_persisted(product, sale)

        async def has_heard_all() -> bool:
            return receiver.received >= accepted

        await until(has_heard_all, seconds=DELIVERY_SECONDS)
        delivered = {"webhooks/s": receiver.received / (perf_counter() - began)}
        await product.stack.manage("disable_webhook", receiver.url)
    figures = _figures(accepted / answers.seconds, answers)
    trial.result.record("one line, a webhook, workers on", {**figures, **delivered})


def _figures(rate: float, answers: Answers) -> Mapping[str, float]:
    return {
        "answers/s": rate,
        "p50 ms": answers.p50,
        "p99 ms": answers.p99,
        "refused": answers.refused,
        "errors": answers.errors,
    }


SCENARIO = Scenario(
    name="shapes",
    about="Kinds of requests, workers paused; orders are counted in PostgreSQL",
    measure=measure,
    comparison=Comparison("answers/s", to=ONE_LINE),
)
