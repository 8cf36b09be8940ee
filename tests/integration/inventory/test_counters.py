"""The Lua scripts against a plain model of what they promise, on a real server."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from inventory import counters, outbox
from inventory.counters import Decision, Rules
from inventory.counters.decisions import read_decision, reserve_arguments
from inventory.counters.keys import Keys
from inventory.counters.lua import LUA
from inventory.errors import CountersLost, ServerNotCompared
from inventory.reservation import (
    Accepted,
    AcceptedBefore,
    BacklogFull,
    KeyReused,
    LimitReached,
    NoCounter,
    Outcome,
    Release,
    Reservation,
    SoldOut,
)
from shop.core.stores.redis import client, script
from tests.examples import share_of

SALE = 77
OPEN = Rules(state="open", opens_ms=0, closes_ms=None, limit=0, hold_ms=60_000)


def load(stock: dict[int, int], *, epoch: int = 1, limit: int = 0, **rules: Any) -> None:
    assert counters.load(
        SALE,
        epoch=epoch,
        version=1,
        rules=OPEN._replace(limit=limit, **rules),
        stock=[(allocation, units, 0) for allocation, units in stock.items()],
    )


def reserve(
    *batch: Reservation,
    epoch: int = 1,
    max_backlog: int = 1000,
    accepted: int = 0,
    server: bytes = b"",
    max_refusals: int = 1000,
) -> list[Outcome]:
    return judged(
        *batch,
        epoch=epoch,
        max_backlog=max_backlog,
        accepted=accepted,
        server=server,
        max_refusals=max_refusals,
    ).outcomes


def judged(
    *batch: Reservation,
    epoch: int = 1,
    max_backlog: int = 1000,
    accepted: int = 0,
    server: bytes = b"",
    max_refusals: int = 1000,
) -> Decision:
    arguments = reserve_arguments(
        epoch=epoch,
        max_backlog=max_backlog,
        accepted=accepted,
        server=server or counters.server(),
        max_refusals=max_refusals,
        batch=batch,
    )
    reply = script(LUA / "reserve.lua")(keys=list(Keys.of(SALE)[:9]), args=arguments)
    return read_decision("drop", reply)


def release(*releases: Release, server: bytes = b"") -> list[int]:
    return counters.release(
        SALE, "drop", epoch=1, server=server or counters.server(), releases=releases
    )


def request(
    key: int, lines: dict[int, int], *, order: int | None = None, customer: str = "ada"
) -> Reservation:
    content = f"{customer}{sorted(lines.items())}".encode()
    return Reservation(
        digest=key.to_bytes(16, "big"),
        fingerprint=content[:16].ljust(16, b"."),
        order_id=(key if order is None else order).to_bytes(16, "big"),
        customer=customer,
        note=b"1250",
        payload=b"payload %d" % key,
        lines=list(lines.items()),
    )


@pytest.fixture(autouse=True)
def _empty() -> None:
    client().flushdb()


# --- One thing at a time ------------------------------------------------------------------------


def test_what_one_order_takes_the_next_in_the_batch_does_not_find() -> None:
    load({1: 3})
    outcomes = reserve(*(request(key, {1: 2}) for key in range(3)))
    assert isinstance(outcomes[0], Accepted)
    assert outcomes[1:] == [SoldOut({0: 1}, replayed=False)] * 2


def test_a_repetition_within_a_batch_is_a_replay() -> None:
    load({1: 3})
    first, again, other = reserve(
        request(1, {1: 1}), request(1, {1: 1}, order=9), request(1, {1: 2}, order=10)
    )
    assert isinstance(first, Accepted)
    assert isinstance(again, AcceptedBefore)
    assert again.order_id == (1).to_bytes(16, "big")
    assert other == KeyReused()


def test_a_refusal_is_replayed_even_when_stock_is_back() -> None:
    load({1: 1})
    reserve(request(1, {1: 1}))
    assert reserve(request(2, {1: 1})) == [SoldOut({0: 0}, replayed=False)]
    release(Release((1).to_bytes(16, "big"), "ada", [(1, 1)]))
    assert reserve(request(2, {1: 1})) == [SoldOut({0: 0}, replayed=True)]
    assert isinstance(reserve(request(3, {1: 1}))[0], Accepted)


MINUTE = 60_000
REFUSED = request(2, {1: 1})
FIRST, AGAIN = SoldOut({0: 0}, replayed=False), SoldOut({0: 0}, replayed=True)


def later(milliseconds: int) -> None:
    """Let so much time go by for refusals: each generation began so much earlier, and ends so."""
    for key in (Keys.of(SALE).refusals, Keys.of(SALE).refusals_too):
        since, left = client().hget(key, "s"), client().pttl(key)
        if since is not None:
            client().hset(key, "s", int(since) - milliseconds)
            client().pexpire(key, max(0, left - milliseconds))


def let_go_the_only_unit() -> None:
    release(Release((1).to_bytes(16, "big"), "ada", [(1, 1)]))


@pytest.mark.parametrize("others_are_refused", [True, False])
def test_a_refusal_is_replayed_for_two_minutes_and_then_its_key_is_judged_anew(
    others_are_refused: bool,
) -> None:
    load({1: 1})
    reserve(request(1, {1: 1}))
    # At any moment of its generation, from the first to the last.
    for moment, key in enumerate((20, 30, 40)):
        later(moment * MINUTE)
        told = [reserve(request(key, {1: 1}))]
        for _ in range(4):
            later(MINUTE // 2)
            if others_are_refused:
                reserve(request(1000 + client().dbsize(), {1: 2}))
            told.append(reserve(request(key, {1: 1})))
        assert told == [[FIRST], *[[AGAIN]] * 4]
    later(4 * MINUTE)
    let_go_the_only_unit()
    assert isinstance(reserve(request(20, {1: 1}))[0], Accepted)
    later(4 * MINUTE)
    assert not client().exists(Keys.of(SALE).refusals, Keys.of(SALE).refusals_too)


def test_a_key_that_was_refused_is_reused_with_another_body_until_it_is_forgotten() -> None:
    load({1: 1})
    reserve(request(1, {1: 1}), REFUSED)
    assert reserve(request(2, {1: 3})) == [KeyReused()]
    later(4 * MINUTE)
    assert reserve(request(2, {1: 3})) == [FIRST]


@pytest.mark.parametrize("by", [1000, 90_000, 60 * MINUTE, 48 * 60 * MINUTE])
def test_a_clock_that_was_put_back_neither_forgets_a_refusal_nor_keeps_it(by: int) -> None:
    load({1: 1})
    reserve(request(1, {1: 1}), REFUSED)
    later(-by)
    assert reserve(REFUSED) == [AGAIN]
    later(119_000)
    assert reserve(REFUSED) == [AGAIN]
    later(121_000)
    assert reserve(REFUSED) == [FIRST]


def test_refusals_take_no_more_room_than_they_may_and_the_oldest_go_first() -> None:
    load({1: 1})
    reserve(request(1, {1: 1}))
    for key in range(100, 200):
        reserve(request(key, {1: 1}), max_refusals=20)
    kept = client().hlen(Keys.of(SALE).refusals) + client().hlen(Keys.of(SALE).refusals_too)
    assert kept <= 20 + 2 * 2 + 2
    assert reserve(request(199, {1: 1}), max_refusals=20) == [AGAIN]
    assert reserve(request(191, {1: 1}), max_refusals=20) == [AGAIN]
    assert reserve(request(100, {1: 1}), max_refusals=20) == [FIRST]
    forgotten = int(client().hget(Keys.of(SALE).stock, "forgotten") or 0)
    assert 100 - 20 <= forgotten + 2 <= 100


def test_refusals_that_are_forgotten_in_their_time_are_not_said_to_have_made_room() -> None:
    load({1: 1})
    reserve(request(1, {1: 1}))
    for key in range(100, 110):
        reserve(request(key, {1: 1}))
        later(MINUTE)
    assert client().hget(Keys.of(SALE).stock, "forgotten") is None


def test_refusals_of_an_earlier_version_are_honoured_and_gone_minutes_later() -> None:
    load({1: 1})
    reserve(request(1, {1: 1}))
    old = Keys.of(SALE).refusals_too
    record = REFUSED.fingerprint + b"S0:0"
    client().hset(old, mapping={b"day": b"19000", REFUSED.digest: record})  # type: ignore[dict-item]
    client().pexpire(old, 48 * 60 * MINUTE)
    assert reserve(REFUSED) == [AGAIN]
    assert client().pttl(old) <= 4 * MINUTE
    later(4 * MINUTE)
    assert reserve(REFUSED) == [FIRST]


def test_at_the_bound_of_the_outbox_nothing_more_is_taken() -> None:
    load({1: 10})
    outcomes = reserve(*(request(key, {1: 1}) for key in range(5)), max_backlog=3)
    assert outcomes[3:] == [BacklogFull(), BacklogFull()]
    assert counters.snapshot(SALE, "drop").skus[1].available == 7


def test_counters_of_another_epoch_are_not_used() -> None:
    load({1: 10}, epoch=2)
    with pytest.raises(CountersLost):
        reserve(request(1, {1: 1}), epoch=1)
    with pytest.raises(CountersLost):
        release(Release(b"x" * 16, "ada", [(1, 1)]))


def test_another_server_than_the_one_that_was_compared_moves_nothing() -> None:
    load({1: 10})
    reserve(request(1, {1: 1}))
    before = counters.snapshot(SALE, "drop")
    order = Release((1).to_bytes(16, "big"), "ada", [(1, 1)])
    other = before.server[:-1] + (b"0" if before.server[-1:] != b"0" else b"1")
    for server in (other, b"-", before.server[:-1], before.server[1:], b"." * 40, b"2:" + other):
        for move in (
            lambda server: reserve(request(2, {1: 1}), server=server),
            lambda server: reserve(request(1, {1: 1}), server=server),  # not even a repetition
            lambda server: release(order, server=server),
            lambda server: counters.reacquire(
                SALE, "drop", epoch=1, server=server, order=order, place=None
            ),
            lambda server: counters.adjust_available(SALE, 1, 5, server=server),
            lambda server: counters.fence_on(SALE, server),
        ):
            with pytest.raises(ServerNotCompared) as refused:
                move(server)
            assert refused.value.server == before.server
    assert counters.snapshot(SALE, "drop") == before


def test_counters_without_their_stock_are_lost() -> None:
    load({1: 10})
    client().delete(Keys.of(SALE).stock)
    with pytest.raises(CountersLost):
        counters.snapshot(SALE, "drop")
    assert reserve(request(1, {1: 1})) == [NoCounter(0)]


def test_a_line_without_a_counter_takes_nothing_from_the_others() -> None:
    load({1: 10})
    assert reserve(request(1, {1: 1, 2: 1})) == [NoCounter(1)]
    assert counters.snapshot(SALE, "drop").skus[1].available == 10


def test_running_counters_are_never_loaded_afresh() -> None:
    load({1: 10})
    reserve(request(1, {1: 4}))
    assert not counters.load(SALE, epoch=1, version=1, rules=OPEN, stock=[(1, 10, 0)])
    assert counters.snapshot(SALE, "drop").skus[1].available == 6


def test_an_older_change_of_the_rules_that_arrives_late_changes_nothing() -> None:
    load({1: 10})
    counters.publish(SALE, epoch=1, version=3, rules=OPEN._replace(state="closed"))
    counters.publish(SALE, epoch=1, version=2, rules=OPEN)
    assert client().hget(Keys.of(SALE).config, "state") == b"closed"


def test_the_bell_rings_once_until_it_is_quiet_again() -> None:
    load({1: 10})

    def wake_up(key: int) -> bool:
        return judged(request(key, {1: 1})).wake_up

    assert [wake_up(1), wake_up(2)] == [True, False]
    outbox.clear_wakeup(SALE)
    assert wake_up(3)


def test_every_key_of_a_sale_is_in_one_cluster_slot() -> None:
    assert {key[: key.index("}") + 1] for key in Keys.of(SALE)} == {"{sale:77}"}


def test_the_order_of_a_thousand_lines_fits_into_one_call() -> None:
    load(dict.fromkeys(range(1, 1001), 5))
    lines = [{n * 20 + i + 1: 1 for i in range(20)} for n in range(50)]
    outcomes = reserve(*(request(key, some) for key, some in enumerate(lines)))
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)


# --- Anything in any order ----------------------------------------------------------------------

STOCK = {1: 6, 2: 4, 3: 9}
LIMIT = 5


@dataclass
class Model:
    """What the counters promise, in plain Python."""

    available: dict[int, int] = field(default_factory=lambda: dict(STOCK))
    taken: dict[str, int] = field(default_factory=dict)
    remembered: dict[bytes, tuple[bytes, Outcome | bytes]] = field(default_factory=dict)
    orders: dict[bytes, Reservation] = field(default_factory=dict)
    released: list[bytes] = field(default_factory=list)

    def reserve(self, asked: Reservation) -> Outcome | bytes:
        """Return the outcome; the order id for an accepted one."""
        if asked.digest in self.remembered:
            fingerprint, outcome = self.remembered[asked.digest]
            return outcome if fingerprint == asked.fingerprint else KeyReused()
        outcome = self._judge(asked)
        self.remembered[asked.digest] = (asked.fingerprint, outcome)
        return outcome

    def _judge(self, asked: Reservation) -> Outcome | bytes:
        units = sum(quantity for _, quantity in asked.lines)
        taken = self.taken.get(asked.customer, 0)
        if taken + units > LIMIT:
            return LimitReached(taken, LIMIT, replayed=True)
        short = {
            line: self.available[allocation]
            for line, (allocation, quantity) in enumerate(asked.lines)
            if self.available[allocation] < quantity
        }
        if short:
            return SoldOut(short, replayed=True)
        for allocation, quantity in asked.lines:
            self.available[allocation] -= quantity
        self.taken[asked.customer] = taken + units
        self.orders[asked.order_id] = asked
        return asked.order_id

    def release(self, order_id: bytes) -> int:
        if order_id not in self.released:
            self.released.append(order_id)
            order = self.orders[order_id]
            for allocation, quantity in order.lines:
                self.available[allocation] += quantity
                self.taken[order.customer] -= quantity
        return self.released.index(order_id) + 1


lines_strategy = st.dictionaries(st.sampled_from(list(STOCK)), st.integers(1, 4), min_size=1)


class ReserveAndRelease(RuleBasedStateMachine):
    """Batches of orders, repeated or new, and releases, repeated or new, in any order."""

    accepted = Bundle("accepted")

    def __init__(self) -> None:
        super().__init__()
        client().flushdb()
        load(STOCK, limit=LIMIT)
        self.model = Model()
        self.order_ids = count(1_000_000)

    @rule(
        target=accepted,
        asked=st.lists(
            st.tuples(st.integers(0, 12), lines_strategy, st.sampled_from(["ada", "bob"])),
            min_size=1,
            max_size=6,
        ),
    )
    def reserve(self, asked: list[tuple[int, dict[int, int], str]]) -> Any:
        batch = [
            request(key, lines, order=next(self.order_ids), customer=customer)
            for key, lines, customer in asked
        ]
        outcomes = reserve(*batch)
        accepted = []
        for reservation, outcome in zip(batch, outcomes, strict=True):
            known = reservation.digest in self.model.remembered
            expected = self.model.reserve(reservation)
            if not isinstance(expected, bytes):
                if not known and isinstance(expected, SoldOut | LimitReached):
                    assert not outcome.replayed
                    outcome = type(outcome)(*_fields(outcome)[:-1], replayed=True)
                assert outcome == expected
            elif known:
                assert isinstance(outcome, AcceptedBefore)
                assert outcome.order_id == expected
                assert outcome.note == b"1250"
            else:
                assert isinstance(outcome, Accepted)
                accepted.append(expected)
        return tuple(accepted)

    @rule(orders=accepted, again=st.booleans())
    def release(self, orders: tuple[bytes, ...], again: bool) -> None:
        for order_id in orders[: 1 + again]:
            order = self.model.orders[order_id]
            (place,) = release(Release(order_id, order.customer, order.lines))
            assert place == self.model.release(order_id)

    @invariant()
    def the_counters_are_what_the_model_says(self) -> None:
        seen = counters.snapshot(SALE, "drop")
        assert {key: sku.available for key, sku in seen.skus.items()} == self.model.available
        for key, sku in seen.skus.items():
            assert sku.available == STOCK[key] - sku.taken + sku.returned
        assert seen.releases == len(self.model.released)
        shares: Any = client().hgetall(Keys.of(SALE).limits)
        assert {name.decode(): int(units) for name, units in shares.items()} == {
            name: units for name, units in self.model.taken.items() if units
        }

    @invariant()
    def every_accepted_order_is_in_the_outbox_once(self) -> None:
        entries = list(outbox.entries_up_to(SALE, counters.snapshot(SALE, "drop").position))
        assert len(entries) == len(self.model.orders)
        for order_id in list(self.model.orders)[-3:]:
            found = outbox.find(SALE, order_id)
            assert found is not None
            assert found.payload == self.model.orders[order_id].payload


def _fields(outcome: Any) -> list[Any]:
    return [getattr(outcome, name) for name in outcome.__slots__]


ReserveAndRelease.TestCase.settings = settings(
    max_examples=share_of(120), stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
TestReserveAndRelease = ReserveAndRelease.TestCase
