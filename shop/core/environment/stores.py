"""The URLs of the stores: which kinds work, and that no two of the Redis roles share a database."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

ROLES = {"REDIS_URL": "stock", "CELERY_BROKER_URL": "broker", "CACHE_URL": "cache"}
OFFSETS = {"REDIS_URL": 0, "CELERY_BROKER_URL": 1, "CACHE_URL": 2}
LEDGER_SCHEMES = ("postgres", "postgresql", "psql", "pgsql")
MAIL_SCHEMES = (
    *("smtp", "smtps", "smtp+tls", "smtp+ssl"),
    *("consolemail", "filemail", "memorymail", "dummymail"),
)
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


def unusable_stores(values: Mapping[str, str]) -> list[str]:
    """Return a line for each store with an unusable URL, and for roles that share a database."""
    wrong = [line for name in ROLES if (line := _redis_fault(name, values.get(name, "")))]
    wrong += [line for fault in (_ledger_fault, _mail_fault) if (line := fault(values))]
    return wrong or _shared(values)


def _redis_fault(name: str, url: str) -> str:
    if not url:
        return ""
    scheme = url.partition("://")[0]
    if scheme in _NOT_SPOKEN:
        return f"{name}={shown(url)}: {_NOT_SPOKEN[scheme]} (redis:// or rediss://)."
    try:
        _place(url)
    except ValueError as error:
        return f"{name}={shown(url)}: {error}; redis://host:6379/0 is expected."
    return ""


def _ledger_fault(values: Mapping[str, str]) -> str:
    if not (url := values.get("DATABASE_URL")):
        return ""
    expected = "postgresql://user:password@host:5432/name is expected"
    try:
        parts = _parts(url)
    except ValueError as error:
        return f"DATABASE_URL={shown(url)}: {error}; {expected}."
    if parts.scheme not in LEDGER_SCHEMES or not parts.path.strip("/"):
        return f"DATABASE_URL={shown(url)}: {expected}."
    return ""


def _mail_fault(values: Mapping[str, str]) -> str:
    url = values.get("EMAIL_URL") or "smtp://"
    try:
        usable = _parts(url).scheme in MAIL_SCHEMES
    except ValueError:
        usable = False
    return (
        "" if usable else f"EMAIL_URL={shown(url)}: smtp+tls://user:password@host:587 is expected."
    )


def _shared(values: Mapping[str, str]) -> list[str]:
    stock = values.get("REDIS_URL") or "redis://embedded/0"
    seen: dict[Place, str] = {}
    wrong = []
    for name, role in ROLES.items():
        place = _place(values.get(name) or default_store(stock, name))
        if other := seen.get(place):
            wrong.append(
                f"{name}={shown(values.get(name, ''))}: the {role} needs a database of its own, "
                f"and this is that of {other}."
            )
        seen[place] = name
    return wrong


def shown(url: str) -> str:
    """Return a URL without its password."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else url


def _place(url: str) -> Place:
    """Return which database a Redis URL names. Raises ValueError."""
    parts = _parts(url)
    if parts.scheme not in ("redis", "rediss"):
        raise ValueError(f"{parts.scheme or 'nothing'}:// is not spoken to")
    if not parts.hostname:
        raise ValueError("it names no host")
    host = "localhost" if parts.hostname in _ANY_LOOPBACK else parts.hostname
    return Place(host, parts.port or _REDIS_PORT, _database(parts))


def _database(parts: SplitResult) -> int:
    number = parse_qs(parts.query).get("db", [""])[0] or parts.path.strip("/") or "0"
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise ValueError(f"{number} is not the number of a database")
    return int(number)


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError where it is none
    return parts
