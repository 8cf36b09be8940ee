"""The demo's webhook receiver: checks every signature, and now and then fails on purpose."""

from typing import Any
from zlib import crc32

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from proof.demo.account.inbox import EventMessage, Inbox
from shop.local.receiver import Receiver

PUT_OFF_PERCENT = 2  # of the orders: the first call about them is answered 500
TAKEN, PUT_OFF, REFUSED = 204, 500, 401


class DemoReceiver(Receiver):
    """Notes messages in `inbox`.

    Set `secret` as soon as it is known; until then every message is put off.
    """

    def __init__(self, inbox: Inbox, sale: str) -> None:
        """Keep messages about orders of `sale`; other messages are accepted and dropped."""
        super().__init__()
        self.inbox = inbox
        self.secret = ""
        self.puts_off = True
        self._sale = sale
        self._put_off: set[str] = set()

    async def receive(self, request: web.Request) -> web.Response:
        """Answer a message as its signature and its order deserve."""
        return web.Response(status=self._status_of(dict(request.headers), await request.read()))

    def _status_of(self, headers: dict[str, str], body: bytes) -> int:
        if not self.secret:
            return PUT_OFF
        try:
            message = Webhook(self.secret).verify(body, headers)
        except (WebhookVerificationError, ValueError) as error:
            self.inbox.refused[f"messages not signed as they should be: {error}"] += 1
            return REFUSED
        return self._take(message, headers)

    def _take(self, message: dict[str, Any], headers: dict[str, str]) -> int:
        message_id = {name.lower(): value for name, value in headers.items()}["webhook-id"]
        order = message["data"]
        if order["sale"] != self._sale:
            return TAKEN
        event = EventMessage(message_id, order["id"], message["sequence"], message["type"])
        if self._is_put_off(event):
            self._put_off.add(message_id)
            self.inbox.put_off += 1
            return PUT_OFF
        self.inbox.note(event)
        return TAKEN

    def _is_put_off(self, message: EventMessage) -> bool:
        chosen = crc32(message.order_id.encode()) % 100 < PUT_OFF_PERCENT
        first = message.sequence == 1 and message.message_id not in self._put_off
        return self.puts_off and chosen and first
