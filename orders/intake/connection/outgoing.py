"""The way out of a connection, as uvicorn's request cycle uses it."""

from asyncio import Transport
from typing import TYPE_CHECKING

from uvicorn.protocols.http.flow_control import FlowControl

if TYPE_CHECKING:
    from .protocol import BoundedProtocol


class Flow(FlowControl):
    """uvicorn's flow control, in which requests that wait for their turn stop the reading, too."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self._held = False

    def hold(self) -> None:
        """Read no more until `release`: what has come has to be answered first."""
        self._held = True
        self.pause_reading()

    def release(self) -> None:
        """Read on."""
        self._held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """Read on, if nothing is held: the application asks for more of a body."""
        if not self._held:
            super().resume_reading()


class Outgoing:
    """The transport for a request cycle: its end is the protocol's business."""

    __slots__ = ("_protocol", "_transport", "write")

    def __init__(self, protocol: "BoundedProtocol", transport: Transport) -> None:
        self._protocol, self._transport = protocol, transport
        self.write = transport.write

    def is_closing(self) -> bool:
        """Tell whether the connection takes no more answers."""
        return self._protocol.is_ending()

    def close(self) -> None:
        """End the connection once what is under way is written."""
        self._protocol.finish()
