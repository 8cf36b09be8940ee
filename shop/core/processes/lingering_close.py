"""HTTP connections at the end of a web process: none is closed on a client that is just asking.

A server that is told to end closes the connections on which nothing happens. A request may be on
its way over one of them: its client sees a reset, and cannot know whether it was done (RFC 9112,
section 9.5). Where another process goes on to serve the same socket, this is all that is left to go
wrong in a restart, so an idle connection is given a moment more.
"""

from asyncio import Transport

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LINGER_SECONDS = 1.0
CLOSE = (b"connection", b"close")


class LingeringProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which at a graceful end still answers requests that were on their way.

    Each of these answers says `Connection: close`, so that the client takes its next request to
    the next process. A client that asks nothing within LINGER_SECONDS is disconnected.
    """

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Also where it was accepted just before the end: uvicorn would wait for its client."""
        super().connection_made(transport)
        if CLOSE in self.server_state.default_headers:
            self.shutdown()

    def shutdown(self) -> None:
        """End after the answer under way, or after the one that is asked for in a moment."""
        # Put into each answer that begins from now on, at no cost to those before.
        if CLOSE not in self.server_state.default_headers:
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        if self._idle():
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)
        else:
            super().shutdown()

    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_if_idle(self) -> None:
        if self._idle() and not self.transport.is_closing():
            self.transport.close()
