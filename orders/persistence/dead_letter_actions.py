"""The actions of a person on a dead letter: try again, or give up and release its stock."""

from django.db import transaction

from orders.errors import LetterResolved
from orders.models import DeadLetter, Order
from orders.payments import settle
from orders.services import dead_letters
from orders.task_names import SWEEP_RELEASES
from shop.core import clock
from shop.core.stores.locks import alone
from shop.core.tasks import dispatch

from .drain import persist_entries

Resolution = DeadLetter.Resolution


def replay(letter: DeadLetter) -> bool:
    """Try once more to persist a dead letter. Returns whether it is an order now.

    Raises LetterResolved where there is nothing left to do.
    """
    with alone("dead letter", letter.pk):
        _require_open(letter)
        persist_entries(letter.sale_id, [dead_letters.entry_of(letter)])
        if not _is_order(letter):
            return False
        _resolve(letter, Resolution.PERSISTED)
    return True


def reject(letter: DeadLetter) -> None:
    """Give up on a dead letter: its order reads as rejected, and a task releases its stock.

    Raises LetterResolved where there is nothing left to do, or nothing may be done: it is an order.
    """
    with alone("dead letter", letter.pk):
        _require_open(letter)
        if _is_order(letter):  # a replay was cut off before it could say so
            _resolve(letter, Resolution.PERSISTED)
            raise LetterResolved(letter.pk, Resolution.PERSISTED)
        letter.release_place = None if letter.units else 0
        with transaction.atomic():
            _resolve(letter, Resolution.REJECTED)
            if letter.order_id:
                settle.owe_without_order(letter.order_id)
    dispatch.send(SWEEP_RELEASES)


def _require_open(letter: DeadLetter) -> None:
    letter.refresh_from_db()
    if letter.resolution:
        raise LetterResolved(letter.pk, letter.resolution)


def _is_order(letter: DeadLetter) -> bool:
    return letter.order_id is not None and Order.objects.filter(pk=letter.order_id).exists()


def _resolve(letter: DeadLetter, resolution: DeadLetter.Resolution) -> None:
    letter.resolution = resolution
    letter.resolved_at = clock.now()
    letter.save(update_fields=["resolution", "resolved_at", "release_place"])
