"""A payment provider for demo sales: it sends each payment until it gets an answer."""

import asyncio
import itertools
from collections.abc import Callable

from proof.calls import Caller, NoAnswer
from proof.demo.account.follow_ups import Action, FollowUp, FollowUps
from shop.local.signed_payments import CALLBACK, Message, signed_headers


def has_no_answer(status: int) -> bool:
    """Return whether a provider sends its message again after `status`."""
    return status >= 500 or status == 429


class Provider:
    """Sends signed messages through `caller`, each under an id that stays the same."""

    def __init__(
        self, caller: Caller, *, secret: str, follow_ups: FollowUps, ids: Callable[[], str]
    ) -> None:
        """Sign with `secret`, name each message by `ids`, note the answers in `follow_ups`."""
        self._caller = caller
        self._secret = secret
        self._follow_ups = follow_ups
        self._new_id = ids

    async def send(self, message: Message, *, twice: bool = False) -> None:
        """Send the message of a payment, `twice` to try a duplicate."""
        message_id = self._new_id()
        async with asyncio.TaskGroup() as tries:
            for _ in range(1 + twice):
                tries.create_task(self._send(message, message_id))

    async def _send(self, message: Message, message_id: str) -> None:
        body = message.body()
        headers = signed_headers(self._secret, message_id, body)
        try:
            reply = await self._caller.ask("POST", CALLBACK, data=body, headers=headers)
        except NoAnswer as error:
            self._follow_ups.unexpected[f"{message.type} given up after {error}"] += 1
            return
        follow_up = FollowUp(
            Action(message.type),
            reply.status,
            reply.problem,
            state=str(reply.document.get("state", "")),
            message_id=message_id,
            at=self._caller.elapsed(),
        )
        self._follow_ups.note(message.order_id, follow_up)


def message_ids(sale: str) -> Callable[[], str]:
    """Return a function that gives each message of a sale its own id."""
    numbers = itertools.count(1)
    return lambda: f"{sale}-payment-{next(numbers)}"
