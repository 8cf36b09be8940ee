"""HTTP/1.1 connections with bounds: under both ways of an order, and under everything else.

uvicorn reads as much as a client sends, and its parser takes what follows `Upgrade` for a new
request (uvicorn #2722, httptools #124). Here a message is cut out of the stream before the parser
sees it: a whole head, then exactly its body. The end that the parser finds is compared with the
cut, and where the two differ the connection ends. So no byte of a body is ever a request.

One request of a connection is under way at a time. Bytes that were sent behind it are kept as they
came, and nothing more is read before it is answered.
"""

import asyncio
from asyncio import Transport
from enum import Enum, auto
from typing import Any
from weakref import WeakKeyDictionary

import httptools
from django.conf import settings
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE
from uvicorn.server import ServerState

from orders.http import problems
from orders.http.headers import read_headers
from orders.http.problems import Problem, Refused
from orders.http.replies import Reply, problem_reply, unavailable
from shop.core.processes.lingering_close import CLOSE, LingeringProtocol

from . import rules
from .addresses import counted_address
from .chunks import ChunkedBody
from .descriptors import enough_for
from .outgoing import Flow, Outgoing
from .places import Bounds, Places, Shelf

SLICE = 16 * 1024  # bytes of a chunked body that are taken apart before others have their turn
MAX_BLANK_LINES = 2  # in front of a request (RFC 9112, 2.2)
MAX_DISCARDED_BYTES = 4 * 1024 * 1024  # that are read and dropped behind a refusal
SLOWEST_BYTES = 16 * 1024  # that a client has to take within the time for reading
MAX_CONNECTIONS = 10_000  # where uvicorn was given no --limit-concurrency
HEALTH = (b"/healthz", b"/readyz")

_END_OF_HEAD = b"\r\n\r\n"
_places: WeakKeyDictionary[ServerState, Places] = WeakKeyDictionary()


class Phase(Enum):
    """The part of a request that a connection is in."""

    HEAD = auto()
    BODY = auto()
    ANSWER = auto()
    END = auto()  # answered for the last time: what still comes is dropped


HEAD, BODY, ANSWER, END = Phase


class BoundedProtocol(LingeringProtocol):
    """uvicorn's protocol behind bounds. Subclasses have their say in `begin_request`."""

    # A request line that needs no reading: method and url are not set for it, but `is_known`.
    KNOWN_LINE = b"GET /healthz HTTP/1.1\r\n"
    flow: Flow
    cycle: Any  # uvicorn's, or what a subclass has in its place
    is_known = False  # of the request under way, as the next ones
    method = b""  # `url` and `headers` are uvicorn's
    minor = 1  # of HTTP/1.x
    keep_alive = True  # what the client wants

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.limit_concurrency = None  # uvicorn's own bound: the places are ours
        self.ws_protocol_class = None  # no upgrade is wanted (RFC 9110, 7.8)
        self.places = _places_of(server_state, config, self.loop)
        self.address = ""
        self.kept_bytes = 0
        self._shelf: Shelf | None = None
        self._has_place: bool | None = True  # as Places.take says it
        self._phase = HEAD
        self._head = b""
        self._left = 0  # bytes that are to come of a body
        self._chunks: ChunkedBody | None = None
        self._whole = False  # the parser has seen the end of the request
        self._kept = b""  # bytes that have come and wait for their turn,
        self._at = 0  # from here on
        self._searched = 0  # up to here there is no end of a head in it
        self._line_checked = False
        self._blank_lines = 0
        self._is_scheduled = False
        self._half_closed = False
        self._stalled = False  # answered, and the client has not read it
        self._unwritten = 0
        self._discarded = 0

    # --- From the beginning to the end ----------------------------------------------------------

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Take a place, if there is one."""
        super().connection_made(transport)
        self.flow = Flow(transport)
        address = counted_address(self.client)
        if self.places.is_crowded(address):
            detail = "There are too many connections from this address."
            self._turn_away(Problem(problems.TOO_MANY_CONNECTIONS, detail, retry_after=1))
            return
        self.address = address
        self._has_place = self.places.take(self)
        if self._has_place is None:
            self._turn_away(unavailable("All connections are taken."))
        else:
            self._shelve(self.places.silent)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self._phase = END
        self._kept = b""
        self.places.leave(self)
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a client that has closed its own direction only (RFC 9112, 9.6)."""
        self._half_closed = self._phase is ANSWER or self._is_scheduled
        if self._half_closed:
            self._shelve(self.places.half_closed)
        return self._half_closed

    def shutdown(self) -> None:
        """End after the answer under way, also where its body was still to come."""
        self.keep_alive = False
        super().shutdown()

    def is_ending(self) -> bool:
        """Tell whether nothing more will be answered."""
        return self._phase is END or self.transport.is_closing()

    def finish(self) -> None:
        """End after what was written, so that the client can read it."""
        if self.is_ending():
            return
        more_may_come = self._phase is not ANSWER or self._kept or self.flow.read_paused
        self._let_go()
        if more_may_come and not self._half_closed and self.transport.can_write_eof():
            # Closing a socket that has unread bytes would reset the connection, and the answer on
            # its way would be lost (RFC 9112, 9.6).
            self.transport.write_eof()
            self.flow.release()
            self._shelve(self.places.lingering)
        else:
            self._close()

    def end_quietly(self) -> None:
        """End a connection on which nothing is under way."""
        if self._shelf is self.places.silent:
            self.places.ended.note("silent")
        self._let_go()
        self._close()

    def give_way(self) -> None:
        """End now, whatever is under way."""
        self._let_go()
        self.transport.abort()

    def _let_go(self) -> None:
        self._phase = END
        self._kept = b""
        self._shelve(None)
        self.places.keep(self, 0)

    def _close(self) -> None:
        self._unwritten = self.transport.get_write_buffer_size()
        self._shelve(self.places.closing)
        self.transport.close()

    def _shelve(self, shelf: Shelf | None) -> None:
        if self._shelf is not None:
            self._shelf.since.pop(self, None)
        self._shelf = shelf
        if shelf is not None:
            shelf.since[self] = self.loop.time()

    # --- Incoming bytes ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Take what has come, or keep it until what came before is answered."""
        if self._phase is END:
            self._discard(len(data))
        elif not self._kept:
            self._take(data, 0, 0)
        elif self._phase is HEAD and not self._is_scheduled:  # more of a head
            self._take(self._kept + data, 0, self._searched)
        else:
            self._wait(self._kept[self._at :] + data, 0)

    def _take(self, data: bytes, at: int, searched: int) -> None:
        """Take from `data` what is next from `at` on: a head, or what there is of a body."""
        self._kept = b""
        try:
            if self._phase is HEAD:
                if data[at] <= 0x20:
                    at = self._skip_blank_lines(data, at)
                end = data.find(_END_OF_HEAD, max(at, searched)) + 4
                if end >= 4:
                    self._take_head(data, at, end)
                elif at < len(data):
                    self._await_head(data[at:])
            elif self._phase is BODY:
                self._take_body(data, at)
            else:
                self._wait(data, at)
        except Refused as refused:
            self.refuse(refused.problem)

    def _wait(self, data: bytes, at: int) -> None:
        """Keep `data` from `at` on until it is its turn, and read no more until then."""
        self._kept, self._at = data, at
        self.flow.hold()
        if not self.places.keep(self, len(data)):
            self.places.ended.note("no-memory")
            self.give_way()
        elif self._phase is not ANSWER:
            self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self.places.following.put(self._go_on)

    def _go_on(self) -> None:
        """Take one more request, or a bit more of a body: others have had their turn."""
        self._is_scheduled = False
        if not self.is_ending():
            self.places.keep(self, 0)
            self.flow.release()
            self._take(self._kept, self._at, 0)

    def _discard(self, size: int) -> None:
        """Drop what a client goes on sending after its last answer, within bounds."""
        self._discarded += size
        if self._discarded > MAX_DISCARDED_BYTES:
            self.transport.abort()

    # --- A head ---------------------------------------------------------------------------------

    def _skip_blank_lines(self, data: bytes, at: int) -> int:
        """Return where the request begins (RFC 9112, 2.2: an empty line before it is ignored)."""
        while data.startswith(b"\r\n", at) and self._blank_lines < MAX_BLANK_LINES:
            self._blank_lines += 1
            at += 2
        if at < len(data) and data[at] <= 0x20 and data[at:] != b"\r":
            raise rules.malformed("This is no HTTP request.")
        return at

    def _await_head(self, begun: bytes) -> None:
        """Keep the beginning of a head, if it can still become one."""
        self._head = begun
        if not self._line_checked and begun != b"\r":
            self._line_checked = rules.check_beginning(begun)
        rules.check_line_ends(begun, self._searched)
        rules.check_size(begun)
        if not self.places.keep(self, len(begun)):
            raise Refused(unavailable("Too many requests are under way."))
        self._kept, self._at, self._searched = begun, 0, max(0, len(begun) - 3)
        if self._half_closed:
            self.finish()
        elif self._shelf is not self.places.head:
            self._shelve(self.places.head)

    def _take_head(self, data: bytes, at: int, end: int) -> None:
        self._head = data[at:end]
        if self._shelf is not None:
            self._shelf.since.pop(self, None)
            self._shelf = None
        self._line_checked, self._blank_lines, self._searched = False, 0, 0
        length = self._parse(self._head)
        if not self._has_place:
            self._use_reserve()
        is_large = length > self.places.bounds.small_body_bytes
        if is_large and length > settings.MAX_BODY_BYTES:
            raise _body_too_large()  # RFC 9110, 15.5.14: known before any of it has come
        self.begin_request()
        if not length:
            self._complete()
        else:
            self._phase = BODY
            self._left = length
            self._chunks = ChunkedBody() if length == rules.CHUNKED else None
            if is_large and self._is_refused(len(data) - end):
                return
            if end < len(data):
                self._take_body(data, end)
            else:
                self._shelve(self.places.body)
            return
        if end < len(data) and not self.is_ending():
            self._wait(data, end)

    def _is_refused(self, more: int) -> bool:
        """Tell whether a body is too large for what is asked for; `more` bytes of it are there."""
        self.large_body_announced()
        if self._phase is END:
            self._discard(more)
        return self._phase is END

    def _parse(self, head: bytes) -> int:
        """Read a head for `begin_request`. Returns the length of its body. Raises Refused."""
        host = None
        if known := head.startswith(self.KNOWN_LINE):
            self.minor = 1
        else:
            head, host = self._read_line(head)
        self.is_known = known
        try:
            self.parser.feed_data(head)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            head = self._feed_again(head, error)
        length, self.expect_100_continue = rules.check_head(head, self.headers, self.minor)
        if self._whole is not (length == 0):
            raise rules.malformed("It is not clear where the body ends.")
        if host is not None:  # RFC 9112, 3.2.2: it stands for the header
            self.headers = [each for each in self.headers if each[0] != b"host"]
            self.headers.append((b"host", host))
        return length

    def _read_line(self, head: bytes) -> tuple[bytes, bytes | None]:
        """Read the request line. Returns the head for the parser, and the host of the target."""
        line = rules.read_request_line(head[: head.index(b"\r")])
        rules.check_size(head)
        self.method, self.url, host, self.minor = line
        return (rules.as_1_1(head) if line.minor > 1 else head), host

    def _feed_again(self, head: bytes, error: Exception) -> bytes:
        """Leave out an offer to change the protocol. Returns what the parser has read then.

        With it the parser would take the body for the next request. Raises Refused for all else.
        """
        if isinstance(error, httptools.HttpParserCallbackError):
            raise error  # a fault of ours
        if isinstance(error, httptools.HttpParserInvalidMethodError):
            raise rules.unknown_method()
        if self.method == b"CONNECT" and isinstance(error, httptools.HttpParserUpgrade):
            self.keep_alive = False  # RFC 9110, 9.3.6: what follows would not be HTTP
            return head
        plain = rules.without_upgrade(head)
        if not isinstance(error, httptools.HttpParserUpgrade) or plain == head:
            raise rules.unparsed(head, str(error))
        try:
            self.parser.feed_data(plain)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as another:
            return self._feed_again(plain, another)
        return plain

    def _use_reserve(self) -> None:
        """Serve one request on a place of the reserve: whether all is well may always be asked."""
        self.keep_alive = False
        path = rules.read_request_line(self._head[: self._head.index(b"\r")]).path
        if path.partition(b"?")[0] not in HEALTH:
            raise Refused(unavailable("All connections are taken."))

    # --- A body ---------------------------------------------------------------------------------

    def _take_body(self, data: bytes, at: int) -> None:
        if self._chunks:
            end = self._take_chunks(data, at)
        else:
            end = min(len(data), at + self._left)
            self._left -= end - at
            self.parser.feed_data(data[at:end])
        if self._phase is END:  # answered before it was whole
            self._discard(len(data) - end)
            return
        if self._whole:
            self._complete()
        elif not self.places.keep(self, self.kept_bytes + end - at):
            raise Refused(unavailable("Too many requests are under way."))
        elif self._shelf is None:
            self._shelve(self.places.body)
        if end < len(data) and not self.is_ending():
            self._wait(data, end)

    def _take_chunks(self, data: bytes, at: int) -> int:
        """Take the chunks that are there, and give the parser the last one only."""
        assert self._chunks is not None
        parts, size = self._chunks.take(data[at : at + SLICE])
        if parts:
            body = b"".join(parts)
            if self._chunks.size > settings.MAX_BODY_BYTES:
                raise _body_too_large()
            self.on_body(body)
        if size is None:
            return min(len(data), at + SLICE)
        if self._phase is BODY:
            self.parser.feed_data(b"0\r\n\r\n")
        return at + size

    def _complete(self) -> None:
        """The request is whole: the answer may take its time, and may keep the connection."""
        self._phase = ANSWER
        if self._shelf is not None:
            self._shelve(None)
        cycle = self.cycle
        if not cycle.response_started:
            cycle.keep_alive = self.keep_alive
        cycle.more_body = False
        cycle.message_event.set()

    # --- Calls of the parser ----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Leave the ASGI scope to `begin_request`."""
        self.headers = []
        self._whole = False

    def on_body(self, body: bytes) -> None:
        """Hand on a part of the body, and read no more where much of it is not taken yet."""
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        if self._left:  # the end of the body is a signal of its own
            cycle.message_event.set()

    def on_url(self, url: bytes) -> None:
        """The target is known from the request line."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a field."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Note what is not known any more when the message is over."""
        self.keep_alive = self.minor > 0 and self.parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Note that the parser has seen the end, too."""
        self._whole = True

    # --- Outgoing bytes ---------------------------------------------------------------------------

    def begin_request(self) -> None:
        """Hand a request to the ASGI application: its head is in order, its body may be to come."""
        if self.is_known:
            self.method, self.url, _, _ = rules.read_request_line(self.KNOWN_LINE[:-2])
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expects
        self.scope["headers"] = headers
        super().on_headers_complete()
        self.cycle.transport = Outgoing(self, self.transport)
        self.cycle.keep_alive = False  # until the body has come

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """Let a request wait for its turn: many connections may bring one at the same time."""
        start = super()._start_asgi_task

        def take_turn() -> None:
            if not cycle.disconnected:
                start(cycle, app)

        is_urgent = self.method == b"POST" or self.url.partition(b"?")[0] in HEALTH
        (self.places.urgent if is_urgent else self.places.ordinary).put(take_turn)

    def large_body_announced(self) -> None:
        """A subclass may know that so much is too much for what is asked for."""

    def on_response_complete(self) -> None:
        """Go on to the next request, if this one was read to its end."""
        self.server_state.total_requests += 1
        if self._phase is ANSWER:
            self._next()

    def _next(self) -> None:
        if self.flow.write_paused:  # the client has to read its reply first
            self._stalled = True
            return
        if self._half_closed and not self._kept:
            self.finish()
            return
        self._phase = HEAD
        if self.kept_bytes:
            self.places.keep(self, len(self._kept))
        if self._kept:
            self._schedule()
            return
        if self.flow.read_paused:
            self.flow.release()
        self._shelf = self.places.idle
        self._shelf.since[self] = self.loop.time()

    def pause_writing(self) -> None:
        """Wait for the client to read."""
        super().pause_writing()
        self._unwritten = self.transport.get_write_buffer_size()
        self.places.unread.put(self, self.loop.time())

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self.places.unread.since.pop(self, None)
        if self._stalled:
            self._stalled = False
            self._next()

    # --- Refusals -------------------------------------------------------------------------------

    def refuse(self, problem: Problem) -> None:
        """Answer with a problem and end: where the next request would begin is not known."""
        self.places.ended.note(problem.type.slug, f"{problem.detail} {self.address}".strip())
        if self._phase is BODY:
            answered = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if answered:
                self.give_way()
                return
        headers = read_headers([(b"x-request-id", rules.request_id_in(self._head))])
        self._write(problem_reply(headers, problem), with_body=not self._head.startswith(b"HEAD "))
        self.finish()

    def head_is_late(self) -> None:
        """Answer that the head took too long."""
        detail = f"The head took over {self.places.bounds.head_seconds:g} seconds."
        self.refuse(Problem(problems.REQUEST_TIMEOUT, detail))

    def body_is_late(self) -> None:
        """Answer that the body took too long."""
        detail = f"The body took over {self.places.bounds.body_seconds:g} seconds."
        self.refuse(Problem(problems.BODY_TIMEOUT, detail))

    def is_not_read(self) -> None:
        """End if the client has taken next to nothing of what was written."""
        unwritten = self.transport.get_write_buffer_size()
        if self._unwritten - unwritten < SLOWEST_BYTES:
            self.places.ended.note("not-reading")
            self.give_way()
            return
        self._unwritten = unwritten
        shelf = self.places.closing if self.transport.is_closing() else self.places.unread
        shelf.put(self, self.loop.time())

    def _turn_away(self, problem: Problem) -> None:
        self.places.ended.note(problem.type.slug)
        self._write(problem_reply(read_headers([]), problem))
        self._let_go()
        self._close()

    def _write(self, reply: Reply, *, with_body: bool = True) -> None:
        """Write an answer that is the last one."""
        headers = [*self.server_state.default_headers, *([] if self._says_close() else [CLOSE])]
        lines = [b"%b: %b\r\n" % header for header in headers]
        body = reply.body if with_body else b""
        self.transport.write(
            b"".join((STATUS_LINE[reply.status], *lines, reply.head, b"\r\n", body))
        )

    def _says_close(self) -> bool:
        return CLOSE in self.server_state.default_headers


def _body_too_large() -> Refused:
    return rules.refused(
        problems.BODY_TOO_LARGE, f"A body has at most {settings.MAX_BODY_BYTES} bytes here."
    )


def _places_of(
    server_state: ServerState, config: Config, loop: asyncio.AbstractEventLoop
) -> Places:
    """Return the places of a server."""
    places = _places.get(server_state)
    if places is None:
        bounds = Bounds(
            connections=enough_for(config.limit_concurrency or MAX_CONNECTIONS),
            small_body_bytes=settings.INTAKE_MAX_BODY_BYTES,
            per_address=settings.WEB_MAX_CONNECTIONS_PER_ADDRESS,
            kept_bytes=settings.WEB_MAX_KEPT_BYTES,
            head_seconds=settings.WEB_HEAD_SECONDS,
            body_seconds=settings.INTAKE_BODY_TIMEOUT_SECONDS,
            idle_seconds=config.timeout_keep_alive,
            unread_seconds=settings.WEB_UNREAD_SECONDS,
        )
        places = _places[server_state] = Places(loop, bounds)
    return places
