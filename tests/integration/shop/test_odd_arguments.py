"""An argument that is none is refused in one line that names it, by every command."""

from argparse import Action
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from proof.__main__ import main as proof
from shop.local.__main__ import main as local
from tests.conftest import MakeSale

from .test_commands_never_trace_back import kept, run

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["run"]

# What each command is called with where another of its arguments is tried.
SOUND = {
    "slug": "drop",
    "sku": "TEE:1",
    "name": "storefront",
    "limit": "1",
    "closes": "2030-01-01",
    "url": "https://a.example",
    "id": "01a1fd85-43c5-8000-8005-239ea9662356",
    "username": "admin",
    "process": "web",
}
ODD = ["", " ", "\t", "\n", "a\nb", "a\0b", "a\u202eb", "a\u2028b", "\udcff", "x" * 5000]
# Of these some are sound: a sale, a client or an account of such a name may be there.
UNKNOWN = ["x" * 2000, "ü", "שלום", "🎟", "a b", "'; --", "../../etc/passwd", "%s{0}"]
OWN = ("settings", "pythonpath", "help", "version", "verbosity")


def commands() -> list[tuple[str, Any]]:
    apps = ("inventory", "orders", "console")
    ours = [(name, app) for name, app in get_commands().items() if app in apps]
    return [(name, load_command_class(app, name)) for name, app in sorted(ours)]


def taking_values(command: Any, name: str) -> list[Action]:
    actions = command.create_parser("manage.py", name)._actions
    return [each for each in actions if each.nargs != 0 and each.dest not in OWN]


ARGUMENTS = [
    pytest.param(name, action.dest, id=f"{name} {action.dest}")
    for name, command in commands()
    for action in taking_values(command, name)
]


def line_with(name: str, dest: str, value: str) -> list[str]:
    """A command line that is sound but for one value."""
    command = dict(commands())[name]
    words = [name]
    for action in taking_values(command, name):
        mine = action.dest == dest
        if not (mine or action.required):
            continue
        text = value if mine else SOUND[action.dest]
        words += [f"{action.option_strings[-1]}={text}"] if action.option_strings else [text]
    return [*words, "--closes=2030-01-01"] if name == "extend_sale" and dest != "closes" else words


def names_of(name: str, dest: str) -> Iterator[str]:
    action = next(each for each in taking_values(dict(commands())[name], name) if each.dest == dest)
    yield f"argument {'/'.join(action.option_strings) or action.metavar or dest}:"


@pytest.fixture(autouse=True)
def _shop(make_sale: MakeSale, api_key: str) -> None:
    make_sale("drop", {"TEE": 5})


@pytest.mark.parametrize(("name", "dest"), ARGUMENTS)
def test_what_no_argument_can_be_is_refused_with_the_arguments_name(
    name: str, dest: str, run: Any
) -> None:
    before = kept()
    (named,) = names_of(name, dest)
    for odd in ODD:
        code, said = run(*line_with(name, dest, odd))
        assert (code, len(said.splitlines())) == (1, 1), (odd[:20], said)
        assert named in said, (odd[:20], said)
        assert len(said) < 400
    assert kept() == before


@pytest.mark.parametrize(("name", "dest"), ARGUMENTS)
def test_what_is_odd_and_unknown_is_refused_in_one_short_line(
    name: str, dest: str, run: Any
) -> None:
    for odd in UNKNOWN:
        code, said = run(*line_with(name, dest, odd))
        # That of reconcile is 1 where something drifts, and 2 where it cannot tell.
        assert code in ((0, 2) if name == "reconcile" else (0, 1)), (odd[:20], said)
        assert "Traceback" not in said
        if code:
            assert len(said.splitlines()) == 1, (odd[:20], said)
            assert len(said) < 400, (odd[:20], said)


@pytest.mark.parametrize(
    ("main", "words", "named"),
    [
        (local, ["pay", ""], "argument ORDER_ID:"),
        (local, ["pay", "x" * 5000], "argument ORDER_ID:"),
        (proof, ["soak", "--minutes", "x"], "argument --minutes:"),
        (proof, ["drill", "--only", ""], "argument --only:"),
        (local, ["nonsense"], "invalid choice: 'nonsense'"),
    ],
)
def test_the_commands_of_the_local_stack_refuse_in_the_same_way(
    main: Callable[[], int],
    words: list[str],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["command", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert (ended.value.code, len(said.splitlines())) == (1, 1)
    assert named in said
    assert len(said) < 400
