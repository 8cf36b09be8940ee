"""The command `demo`: its sizes, its ports, and its exit code."""

import argparse
import asyncio
import socket
from pathlib import Path

import pytest
from rich.console import Console

from proof.demo import command
from proof.demo.invariants.verdict import Check
from shop.local.errors import PortTaken
from shop.local.servers.ports import is_free


@pytest.mark.parametrize(("text", "count"), [(None, 10_000), ("", 10_000), ("1", 1), ("250", 250)])
def test_the_size_of_the_sale_comes_from_the_environment(text: str | None, count: int) -> None:
    env = {} if text is None else {"DEMO_ORDERS": text}
    assert command.read_count(env, "DEMO_ORDERS", 10_000) == count


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "200001", "１", " 5"])
def test_a_size_that_is_none_ends_the_command_with_2(
    text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_STOCK", text)
    with pytest.raises(SystemExit) as ended:
        command.run(argparse.ArgumentParser())
    assert ended.value.code == 2
    assert f"DEMO_STOCK={text} is not a whole number from 1 to 200,000" in capsys.readouterr().err


def test_a_taken_port_that_nobody_asked_for_is_replaced_with_a_free_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(host: str, port: int, *, variable: str) -> None:
        raise PortTaken(port, variable, pid=None)

    monkeypatch.setattr(command, "require_free", refuse)
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("FLOWER_PORT", raising=False)
    console = Console(record=True)
    stack = command.stack_on_free_ports(tmp_path, console)
    text = console.export_text()
    for usual, port in ((8000, stack.web.port), (5555, stack.flower.port)):
        assert port != usual
        assert is_free("127.0.0.1", port)
        assert f"Port {usual} is taken; using {port}" in text


def test_a_taken_port_that_was_asked_for_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        with pytest.raises(PortTaken, match="set PORT to a free one"):
            command.stack_on_free_ports(tmp_path, Console(record=True))


@pytest.mark.parametrize(
    ("checks", "code"),
    [([Check("held", [])], 0), ([Check("held", []), Check("broken", ["it"])], 1)],
)
def test_the_exit_code_is_the_verdict(
    checks: list[Check], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run_and_judge(*_: object, **__: object) -> list[Check]:
        return checks

    monkeypatch.setattr(command, "_run_and_check", run_and_judge)
    assert asyncio.run(command.demo(orders=1, stock=1)) == code
