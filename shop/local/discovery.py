"""Where the local stack keeps its state, and how its running servers are reached."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

REPOSITORY = Path(__file__).resolve().parents[2]

# Nothing listens on port 1 of the loopback, so a connection there fails at once. The settings can
# always be loaded, and a command that needs a server hears that there is none instead of waiting.
NOWHERE = "127.0.0.1:1"


class Address(TypedDict):
    """One running server, as it stands in servers.json."""

    host: str
    port: int
    pid: int


def state_dir() -> Path:
    """Return the absolute folder of all local state: SHOP_STATE_DIR, or the checkout's `.local`."""
    return Path(os.environ.get("SHOP_STATE_DIR") or REPOSITORY / ".local").expanduser().absolute()


def database_url(state: Path) -> str:
    """Return the URL of the PostgreSQL that runs from `state`, or one where nothing answers."""
    return f"postgresql://shop@{_address(state, 'postgres')}/shop"


def redis_url(state: Path, db: int) -> str:
    """Return the URL of database `db` of the Redis that runs from `state`, or a dead one."""
    return f"redis://{_address(state, 'redis')}/{db}"


def publish(state: Path, servers: Mapping[str, Address]) -> None:
    """Write which servers run from `state`; a reader sees the old file or the new, never half."""
    path = _servers_file(state)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(servers, indent=2))
    draft.replace(path)


def withdraw(state: Path) -> None:
    """Say that no server runs from `state` any more."""
    _servers_file(state).unlink(missing_ok=True)


def _servers_file(state: Path) -> Path:
    return state / "run" / "servers.json"


def _address(state: Path, name: str) -> str:
    try:
        server: Address = json.loads(_servers_file(state).read_text())[name]
    except (OSError, ValueError, KeyError):
        return NOWHERE
    return f"{server['host']}:{server['port']}"
