"""What customers did is compared with where their orders ended."""

from collections import Counter
from uuid import UUID, uuid4

import pytest

from proof.soak.account import Account
from proof.soak.behaviours import FINAL_STATUS, Behaviour, behaviour_of

FIRST, SECOND = str(uuid4()), str(uuid4())


@pytest.fixture
def account() -> Account:
    account = Account()
    account.accept(FIRST, Behaviour.PAYS)
    account.accept(SECOND, Behaviour.FORGETS)
    return account


def test_nothing_is_wrong_where_every_order_ended_where_its_customer_put_it(
    account: Account,
) -> None:
    assert account.settle([(SECOND, "expired"), (FIRST, "paid")]) == Counter()


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ([(FIRST, "paid")], {"accepted orders that are not in the ledger": 1}),
        (
            [(FIRST, "expired"), (SECOND, "expired")],
            {"expired though its customer pays": 1},
        ),
        (
            [(FIRST, "paid"), (SECOND, "awaiting_payment")],
            {"awaiting_payment though its customer lets the hold end": 1},
        ),
        (
            [(FIRST, "paid"), (SECOND, "expired"), (str(UUID(int=1)), "paid")],
            {"orders that no client was told of": 1},
        ),
    ],
)
def test_an_order_that_is_missing_unknown_or_elsewhere_is_counted(
    account: Account, rows: list[tuple[str, str]], wrong: dict[str, int]
) -> None:
    assert account.settle(rows) == wrong


def test_latencies_are_those_since_the_last_look(account: Account) -> None:
    account.latencies += [0.1, 0.2]
    assert account.take_latencies() == [0.1, 0.2]
    assert account.take_latencies() == []


def test_every_course_is_taken_and_has_an_end() -> None:
    taken = Counter(behaviour_of(number) for number in range(20))
    assert set(taken) == set(Behaviour) == set(FINAL_STATUS)
    assert taken[Behaviour.PAYS] == 8
    assert all(behaviour_of(n) is behaviour_of(n + 20) for n in range(20))
