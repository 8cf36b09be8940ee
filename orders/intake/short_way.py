"""HTTP connections with a short cut for orders: from the parser to the batch without a task.

Half of what an order costs a web process is what ASGI adds to each request: a task, an event, and a
message for each part (see docs/adr/0016). The server is uvicorn, and all of HTTP stays with it; it
is started with `--http orders.asgi:OrderProtocol`. Without that orders are taken as well, through
`asgi.with_intake`, only slower, and without the bounds that `connection` gives to both ways.
"""

from django.conf import settings
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from orders.http.replies import Reply
from shop.core.processes.lingering_close import CLOSE

from .connection.addresses import client_address
from .connection.protocol import BoundedProtocol
from .handler import ENDS, PATH, too_large_body
from .placing import intake


class OrderProtocol(BoundedProtocol):
    """A bounded connection that hands orders to the intake and everything else to ASGI."""

    KNOWN_LINE = b"POST %b HTTP/1.1\r\n" % PATH.encode()

    def begin_request(self) -> None:
        """Take an order without a task where nothing out of the ordinary has to be done for it."""
        if (
            self.is_known
            and not self.expect_100_continue
            and not self.access_log
            and not self.root_path
        ):
            self.cycle = OrderCycle(self)
        else:
            super().begin_request()

    def large_body_announced(self) -> None:
        """Let the intake refuse the order now: nothing of it has to be read for that."""
        if isinstance(self.cycle, OrderCycle):
            self.cycle.refuse_body()

    def body_is_late(self) -> None:
        """Let the intake reply, which first checks the key."""
        if isinstance(self.cycle, OrderCycle):
            self.cycle.give_up()
        else:
            super().body_is_late()


class OrderCycle:
    """An order under way, in the place and with the attributes of uvicorn's request cycle."""

    __slots__ = (
        "_protocol",
        "begun",
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
    )
    response_started = False  # it begins and ends in one

    def __init__(self, protocol: OrderProtocol) -> None:
        self.body = b""
        self.more_body = True
        self.disconnected = False
        self.response_complete = False
        self.keep_alive = False  # until the body has come
        self.message_event = self
        self.begun = False
        self._protocol = protocol

    def set(self) -> None:
        """The body has grown or is whole, or the client has left: the protocol's signal."""
        if not self.disconnected and (
            not self.more_body or len(self.body) > settings.INTAKE_MAX_BODY_BYTES
        ):
            self._begin(bytes(self.body))

    def give_up(self) -> None:
        """The body did not come in time."""
        self._begin(None)

    def refuse_body(self) -> None:
        """The body is going to be larger than any order."""
        self._begin(too_large_body())

    def _begin(self, body: bytes | None) -> None:
        if self.begun:
            return
        self.begun = True
        headers = self._protocol.headers
        if intake().place_at_once(headers, body, self._answer):
            return
        task = self._protocol.loop.create_task(self._place(headers, body))
        self._protocol.tasks.add(task)  # what uvicorn waits for at the end
        task.add_done_callback(self._protocol.tasks.discard)

    async def _place(self, headers: list[tuple[bytes, bytes]], body: bytes | None) -> None:
        self._answer(await intake().place_order(headers, body, self._address(headers)))

    def _address(self, headers: list[tuple[bytes, bytes]]) -> str:
        peer = self._protocol.client
        return client_address(peer[0], headers) if peer else ""

    def _answer(self, reply: Reply) -> None:
        protocol = self._protocol
        self.response_complete = True
        if self.disconnected or protocol.is_ending():
            return
        headers = protocol.server_state.default_headers  # the date, and at the end CLOSE
        keep_alive = self.keep_alive and reply.status not in ENDS
        if not keep_alive and CLOSE not in headers:
            headers = [*headers, CLOSE]
        lines = [b"%b: %b\r\n" % header for header in headers]
        protocol.transport.write(
            b"".join((STATUS_LINE[reply.status], *lines, reply.head, b"\r\n", reply.body))
        )
        if CLOSE in headers:
            protocol.finish()
        protocol.on_response_complete()
