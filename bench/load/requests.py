"""Requests of an open loop: when each is due, and its bytes."""

from collections.abc import Iterator, Sequence
from random import Random
from urllib.parse import urlsplit

from .orders import NUMBER


def due_times(rate: float, seconds: float, random: Random | None) -> Iterator[float]:
    """Yield when requests are due: of a Poisson process, or evenly where `random` is None."""
    at = 0.0
    while (at := at + (random.expovariate(rate) if random else 1 / rate)) < seconds:
        yield at


class Requests:
    """The bytes of each request, put together from parts made beforehand."""

    def __init__(self, url: str, api_key: str, key_prefix: str, bodies: Sequence[str]) -> None:
        parts = urlsplit(url)
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {api_key}"
            "\r\nContent-Type: application/json\r\nContent-Length: %d"
            f"\r\nIdempotency-Key: {key_prefix}"
        )
        self._templates = [self._template(body) for body in bodies]

    def __getitem__(self, number: int) -> bytes:
        head, middle, tail = self._templates[number % len(self._templates)]
        digits = b"%08d" % number
        return b"".join((head, digits, middle, digits, tail))

    def _template(self, body: str) -> tuple[bytes, bytes, bytes]:
        before, _, after = body.partition(NUMBER)
        head = self._head % len(body.encode())
        return head.encode(), f"\r\n\r\n{before}".encode(), after.encode()
