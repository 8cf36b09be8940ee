"""An HTTP client that repeats a request while a server has no answer, and gives up in the end."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

TIMEOUT = ClientTimeout(total=15)
PATIENCE_SECONDS = 25.0  # for one request, over all tries
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # between two tries, doubled each time


@dataclass
class RequestCounts:
    """How many requests were sent, and how many of them again, by the reason."""

    sent: int = 0
    sent_again: Counter[str] = field(default_factory=Counter)
    gave_up: bool = False


class Reply(NamedTuple):
    """The reply of a server, and how long that try took, in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took: float

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object in the body, an empty one where there is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

    @property
    def problem(self) -> str:
        """The slug of the problem (RFC 9457) that it names, "" where it is none."""
        return str(self.document.get("type", "")).rpartition("/")[2]

    def __str__(self) -> str:
        return f"{self.status} {self.problem}".strip()


class NoAnswer(Exception):
    """The client gave up; the text is the last reason it had to ask again."""


class Caller:
    """A client of the server at `url`, with connections of its own. An async context manager."""

    def __init__(
        self,
        url: str,
        *,
        counts: RequestCounts,
        elapsed: Callable[[], float],
        has_no_answer: Callable[[int], bool],
    ) -> None:
        """Count in `counts`; ask again where `has_no_answer` says so of a status."""
        self.counts = counts
        self.elapsed = elapsed
        self._url = url
        self._has_no_answer = has_no_answer

    async def __aenter__(self) -> Self:
        connector = TCPConnector(limit=0)
        self._session = ClientSession(self._url, timeout=TIMEOUT, connector=connector)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, **request: Any) -> Reply:
        """Return the answer, asking again while there is none. Raises NoAnswer in the end."""
        deadline, pause = self.elapsed() + PATIENCE_SECONDS, FIRST_PAUSE
        while True:
            reply = await self._try(method, path, request)
            if reply is not None and not self._has_no_answer(reply.status):
                return reply
            trouble = str(reply.status) if reply else "no answer"
            rest = retry_after(reply, default=pause)
            # Once a server has stayed away for so long, no request goes on waiting for it.
            self.counts.gave_up = self.counts.gave_up or self.elapsed() + rest > deadline
            if self.counts.gave_up:
                raise NoAnswer(trouble)
            self.counts.sent_again[trouble] += 1
            await asyncio.sleep(rest)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _try(self, method: str, path: str, request: Mapping[str, Any]) -> Reply | None:
        """Send the request once; None where the connection broke or took too long."""
        began = self.elapsed()
        self.counts.sent += 1
        try:
            async with self._session.request(method, path, **request) as response:
                body = await response.read()
                return Reply(response.status, response.headers, body, self.elapsed() - began)
        except (ClientError, OSError):
            return None


def retry_after(reply: Reply | None, *, default: float) -> float:
    """Return the seconds of Retry-After, `default` where the reply names none."""
    seconds = reply.headers.get("Retry-After", "") if reply else ""
    return float(seconds) if seconds.isdecimal() else default
