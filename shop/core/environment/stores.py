"""The URLs of the stores: which kinds work, and that no two of the Redis roles share a database."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from .forms import Form, Reason, shown

ROLES = {"REDIS_URL": "stock", "CELERY_BROKER_URL": "broker", "CACHE_URL": "cache"}
OFFSETS = {"REDIS_URL": 0, "CELERY_BROKER_URL": 1, "CACHE_URL": 2}
LEDGER_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
MAIL_SERVERS = ("smtp", "smtps", "smtp+tls", "smtp+ssl")
MAIL_CATCHERS = ("consolemail", "filemail", "memorymail", "dummymail")
_REDIS_PORT = 6379
_ANY_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NOT_SPOKEN = {
    "unix": "a unix socket is not spoken to; give the server a port on the loopback",
    "redis+socket": "a unix socket is not spoken to; give the server a port on the loopback",
    "redis+cluster": "a cluster is not spoken to; name one server",
    "rediss+cluster": "a cluster is not spoken to; name one server",
    "redis+sentinel": "Sentinel is not spoken to; name the primary",
    "rediss+sentinel": "Sentinel is not spoken to; name the primary",
    "sentinel": "Sentinel is not spoken to; name the primary",
}


class Place(NamedTuple):
    """One database of one Redis server."""

    host: str
    port: int
    database: int


def default_store(stock_url: str, name: str) -> str:
    """Return the URL of a role whose variable is unset: a database after that of the stock."""
    place = _place(stock_url)
    return (
        urlsplit(stock_url)._replace(path=f"/{place.database + OFFSETS[name]}", query="").geturl()
    )


def _is_redis(url: str) -> bool:
    scheme = url.partition("://")[0]
    if scheme in _NOT_SPOKEN:
        raise Reason(_NOT_SPOKEN[scheme])
    _place(url)
    return True


def _is_ledger(url: str) -> bool:
    parts = _parts(url)
    return parts.scheme in LEDGER_SCHEMES and bool(parts.path.strip("/"))


def _is_mail(url: str) -> bool:
    parts = _parts(url)
    if parts.scheme in MAIL_SERVERS:
        return bool(parts.hostname)
    return parts.scheme in MAIL_CATCHERS


REDIS = Form("a URL (`redis://user:password@host:6379/0`, or `rediss://…`)", _is_redis, is_url=True)
LEDGER = Form("a URL (`postgresql://user:password@host:5432/name`)", _is_ledger, is_url=True)
MAIL = Form("a URL (`smtp+tls://user:password@host:587`)", _is_mail, is_url=True)


def shared_databases(values: Mapping[str, str]) -> list[str]:
    """Return a line for each role of Redis that shares its database with another one's."""
    stock = values.get("REDIS_URL") or "redis://embedded/0"
    seen: dict[Place, str] = {}
    wrong = []
    for name, role in ROLES.items():
        place = _place(values.get(name) or default_store(stock, name))
        if other := seen.get(place):
            wrong.append(
                f"{name}={shown(values.get(name, ''), is_url=True)}: the {role} needs a database "
                f"of its own, and this is that of {other}."
            )
        seen[place] = name
    return wrong


def _place(url: str) -> Place:
    """Return which database a Redis URL names. Raises Reason, or another ValueError."""
    parts = _parts(url)
    if parts.scheme not in ("redis", "rediss"):
        raise Reason(f"{parts.scheme or 'nothing'}:// is not spoken to")
    if not parts.hostname:
        raise Reason("it names no host")
    host = "localhost" if parts.hostname in _ANY_LOOPBACK else parts.hostname
    return Place(host, parts.port or _REDIS_PORT, _database(parts))


def _database(parts: SplitResult) -> int:
    number = parse_qs(parts.query).get("db", [""])[0] or parts.path.strip("/") or "0"
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise Reason(f"{number} is not the number of a database")
    return int(number)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError where it is none
    except ValueError:  # its text may have a piece of the password: that is not to be shown
        raise Reason("its host or port cannot be read") from None
    return parts
