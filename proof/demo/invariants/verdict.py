"""The verdict on a demo sale: each invariant, checked against the accounts of all sides. Pure."""

from typing import NamedTuple

from proof.demo.account.evidence import Evidence

from . import fulfilment, placing


class Check(NamedTuple):
    """One invariant, and the ways in which it was broken."""

    invariant: str
    broken: list[str]


def verdict(evidence: Evidence) -> list[Check]:
    """Check every invariant."""
    limit = evidence.plan.limit
    rules = {
        "Every request got an answer that the API promises": placing.unexpected_answers,
        "Every accepted order is in the ledger exactly once": placing.not_there_once,
        "Every accepted order that was looked up at once was found": placing.not_found,
        "Every accepted order has one event order.placed, its first": placing.not_placed_once,
        "Nothing is oversold, at any moment": placing.oversold,
        "Sold out was said only when the stock was gone": placing.wrongly_sold_out,
        f"The limit of {limit} units a customer was held": placing.limit_broken,
        "Every repeated request got its first answer again": placing.broken_replays,
        "Redis and PostgreSQL agreed, during the sale and after it": placing.drift,
        "Every order ended where its customer put it": fulfilment.ended_wrongly,
        "Every unit that came back was on sale again": fulfilment.not_on_sale_again,
        "Every payment was applied exactly once": fulfilment.misapplied_payments,
        "Every event was told in sequence, and rightly signed": fulfilment.undelivered_events,
    }
    return [Check(invariant, broken_by(evidence)) for invariant, broken_by in rules.items()]
