"""Did the sale come out right? Each invariant, judged from what all sides say of it. Pure."""

from typing import NamedTuple

from . import living, selling
from .evidence import Evidence


class Check(NamedTuple):
    """One invariant, and in what it was broken."""

    invariant: str
    broken: list[str]


def verdict(evidence: Evidence) -> list[Check]:
    """Judge every invariant."""
    limit = evidence.plan.limit
    rules = {
        "Every request got an answer that the API promises": selling.unexpected_answers,
        "Every accepted order is in the ledger exactly once": selling.not_there_once,
        "Every accepted order that was looked up at once was found": selling.not_found,
        "Every accepted order has one event order.placed, its first": selling.not_placed_once,
        "Nothing is oversold, at any moment": selling.oversold,
        "Sold out was said only when the stock was gone": selling.wrongly_sold_out,
        f"The limit of {limit} units a customer was held": selling.limit_broken,
        "Every repeated request got its first answer again": selling.broken_replays,
        "Redis and PostgreSQL agreed, during the sale and after it": selling.drift,
        "Every order ended where its customer put it": living.ended_wrongly,
        "Every unit that came back was on sale again": living.not_on_sale_again,
        "Every payment was applied exactly once": living.misapplied_payments,
        "Every event was told in sequence, and rightly signed": living.untold_events,
    }
    return [Check(invariant, judge(evidence)) for invariant, judge in rules.items()]
