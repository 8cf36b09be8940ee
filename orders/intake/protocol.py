"""HTTP connections with a short cut for orders: from the parser to the batch without a task.

Half of what an order costs a web process is what ASGI adds to each request: a task, an event, and a
message for each part (see docs/adr/0016). The server is uvicorn, and all of HTTP stays with it; it
is started with `--http shop.asgi:OrderProtocol`. Without that everything works as
well, through `asgi.with_intake`, only slower.
"""

import asyncio

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from shop.core.lingering import CLOSE, LingeringProtocol

from .asgi import PATH
from .replies import Reply
from .service import intake

_URL = PATH.encode()


class OrderProtocol(LingeringProtocol):
    """uvicorn's protocol, which hands orders to the intake and everything else to ASGI."""

    _order: "Order | None" = None  # the last request, if it was one

    def data_received(self, data: bytes) -> None:
        """Let an order whose body has not come whole wait for it, but not for ever."""
        super().data_received(data)
        if self._order is not None and not self._order.begun:
            self._order.wait_for_body()

    def on_message_begin(self) -> None:
        """Leave the ASGI scope to those requests that need one."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Take an order the short way where nothing out of the ordinary has to be done for it."""
        if (
            self.url == _URL
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and not self.flow.write_paused
            and not self.access_log
            and not self.root_path
            and not self._full()
        ):
            self.cycle = self._order = Order(self)  # type: ignore[assignment]
        else:
            self._order = None
            self._begin_scope()
            super().on_headers_complete()

    def _begin_scope(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers  # the same list as the scope's

    def _full(self) -> bool:
        limit = self.limit_concurrency
        return limit is not None and len(self.connections) >= limit


class Order:
    """An order under way, in the place and with the attributes of uvicorn's request cycle."""

    __slots__ = (
        "_protocol",
        "_timer",
        "begun",
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
    )

    def __init__(self, protocol: OrderProtocol) -> None:
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self.keep_alive = protocol.parser.should_keep_alive()
        self.message_event = self
        self.begun = False
        self._protocol = protocol
        self._timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """The body has grown or is whole, or the client has left: the protocol's signal."""
        if self.disconnected:
            self._stop_waiting()
        elif not self.more_body or len(self.body) > settings.INTAKE_MAX_BODY_BYTES:
            self._begin(bytes(self.body))

    def wait_for_body(self) -> None:
        """Answer that the body took too long, if it does."""
        if self._timer is None and not self.disconnected:
            loop = self._protocol.loop
            self._timer = loop.call_later(settings.INTAKE_BODY_TIMEOUT_SECONDS, self._begin, None)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _begin(self, body: bytes | None) -> None:
        if self.begun:
            return
        self.begun = True
        self._stop_waiting()
        headers = self._protocol.headers
        if intake().place_at_once(headers, body, self._answer):
            return
        task = self._protocol.loop.create_task(self._place(headers, body))
        self._protocol.tasks.add(task)  # what uvicorn waits for at the end
        task.add_done_callback(self._protocol.tasks.discard)

    async def _place(self, headers: list[tuple[bytes, bytes]], body: bytes | None) -> None:
        self._answer(await intake().place_order(headers, body))

    def _answer(self, reply: Reply) -> None:
        protocol, transport = self._protocol, self._protocol.transport
        self.response_complete = True
        if self.disconnected or transport.is_closing():
            return
        headers = protocol.server_state.default_headers  # the date, and at the end CLOSE
        if not self.keep_alive and CLOSE not in headers:
            headers = [*headers, CLOSE]
        lines = [b"%b: %b\r\n" % header for header in headers]
        transport.write(
            b"".join((STATUS_LINE[reply.status], *lines, reply.head, b"\r\n", reply.body))
        )
        if CLOSE in headers:
            transport.close()
        protocol.on_response_complete()
