"""manage.py as operators and programs meet it: at a terminal, in a pipe, while servers are away."""

import json
import subprocess
import sys

import pytest

from tests.conftest import MakeSale
from tests.processes import free_port
from tests.terminals import (
    BOXES,
    ESCAPE,
    ROOT,
    at_terminal,
    drawn,
    environment,
    in_process,
    manage,
    postgresql_away,
    redis_away,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _sale(make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 1200})


@pytest.mark.usefixtures("_sale")
def test_a_pipe_gets_plain_lines() -> None:
    for done in (
        manage("list_sales"),
        in_process("reconcile"),
        in_process("watch", "drop", "--once"),
        in_process("rebuild_stock"),
    ):
        assert (done.returncode, done.stderr) == (0, "")
        assert "drop" in done.stdout
        assert ESCAPE not in done.stdout
        assert not set(BOXES) & set(done.stdout)


@pytest.mark.usefixtures("_sale")
def test_a_terminal_gets_a_picture() -> None:
    for code, seen in (at_terminal("list_sales"), drawn("watch", "drop", "--once")):
        assert code == 0
        assert ESCAPE in seen
        assert set(BOXES) & set(seen)
        assert "1,200" in seen


@pytest.mark.usefixtures("_sale")
def test_a_terminal_without_colours_gets_the_picture_without() -> None:
    for code, seen in (drawn("list_sales", NO_COLOR="1"), drawn("list_sales", "--no-color")):
        assert code == 0
        assert ESCAPE not in seen
        assert set(BOXES) & set(seen)


def test_an_error_has_no_colours_either_where_none_are_wanted() -> None:
    assert ESCAPE in at_terminal("close_sale", "nowhere")[1]
    code, seen = at_terminal("close_sale", "nowhere", NO_COLOR="1")
    assert (code, seen.strip()) == (1, "CommandError: There is no sale 'nowhere'.")


@pytest.mark.usefixtures("_sale")
@pytest.mark.parametrize("command", ["list_sales", "reconcile", "rebuild_stock", "expire_holds"])
def test_json_is_all_that_standard_output_has(command: str) -> None:
    done = in_process(command, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.usefixtures("_sale")
def test_json_is_the_same_at_a_terminal() -> None:
    code, seen = drawn("reconcile", "--json")
    assert code == 0
    assert json.loads(seen)["drift"] == 0


def assert_postgresql_is_said_to_be_away(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    assert "PostgreSQL does not answer at 127.0.0.1" in done.stderr
    assert "make up" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_postgresql_is_away_a_command_says_so_and_how_to_start_it() -> None:
    with postgresql_away():
        for arguments in (["create_client", "app"], ["watch", "drop"]):
            assert_postgresql_is_said_to_be_away(in_process(*arguments))


def test_a_command_starts_without_postgresql() -> None:
    away = f"postgresql://shop@127.0.0.1:{free_port()}/shop"
    assert_postgresql_is_said_to_be_away(manage("list_sales", DATABASE_URL=away))


def assert_redis_is_said_to_be_away(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 2
    assert "Connection refused" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("_sale")
@pytest.mark.parametrize(
    "arguments",
    [
        ["create_sale", "other", "--sku", "TEE:1"],
        ["pause_sale", "drop"],
        ["reconcile"],
        ["rebuild_stock"],
        ["watch", "drop", "--once"],
        ["show_order", "01a1fd85-43c5-8000-8005-239ea9662356"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_where_redis_is_away_a_command_says_so_and_ends_with_2(arguments: list[str]) -> None:
    with redis_away():
        assert_redis_is_said_to_be_away(in_process(*arguments))


@pytest.mark.usefixtures("_sale")
def test_a_command_starts_without_redis() -> None:
    done = manage("rebuild_stock", REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    assert_redis_is_said_to_be_away(done)


@pytest.mark.usefixtures("_sale")
def test_sales_are_listed_with_what_postgresql_knows_while_redis_is_away() -> None:
    with redis_away():
        done = in_process("list_sales", "--json")
    (sale,) = json.loads(done.stdout)["sales"]
    assert (sale["sale"], sale["backlog"]) == ("drop", None)
    assert sale["skus"][0]["allocated"] == 1200
    assert sale["skus"][0]["available"] is None
    assert "make up" in done.stderr


@pytest.mark.usefixtures("_sale")
def test_a_reader_that_has_gone_is_no_traceback() -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "watch", "drop", "--json"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 141


def test_a_database_without_tables_is_told_to_migrate() -> None:
    server = environment()["DATABASE_URL"].rpartition("/")[0]
    done = manage("list_sales", DATABASE_URL=f"{server}/postgres")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("manage.py migrate\n")


def test_wrong_arguments_end_with_1_and_say_why_in_one_line() -> None:
    done = in_process("extend_sale", "drop", "--closes", "tomorrow")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "'tomorrow' is no time as ISO 8601 writes it" in done.stderr
