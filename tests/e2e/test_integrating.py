"""What docs/integrating.md tells its readers to paste works, against the real product."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orders.domain import Status
from orders.http.problems import ALL, Retry
from orders.models import Order
from tests.processes import ROOT, Processes, Web, await_condition, free_port
from tests.snippets import blocks, script

GUIDE = ROOT / "docs" / "integrating.md"
FOUND = blocks(GUIDE)


@pytest.fixture
def places(web: Web, tmp_path: Path) -> dict[str, str]:
    """Where a reader of the guide has something, and where it is here."""
    return {
        ". .venv/bin/activate": ":",
        "http://127.0.0.1:8000": web.base_url,
        ".local/": f"{os.environ['SHOP_STATE_DIR']}/",
        "8009": str(free_port()),
        "python receiver.py": f"exec python {tmp_path}/receiver.py",
    }


def at(places: dict[str, str], code: str) -> str:
    for theirs, ours in places.items():
        code = code.replace(theirs, ours)
    return code


@contextmanager
def shell(code: str, folder: Path, env: dict[str, str]) -> Iterator[Path]:
    """Run a script to its end, and what it leaves in the background on; yields what is printed."""
    printed, done = folder / "printed", folder / "environment"
    with printed.open("w") as output:
        running = subprocess.Popen(
            [
                "bash",
                "-c",
                f"set -euo pipefail\n{code}\nenv -0 > {done}.part\nmv {done}.part {done}\nwait",
            ],
            cwd=ROOT,
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await_condition("the script is through", lambda: done.exists() or running.poll(), 90)
        assert running.poll() is None, printed.read_text()
        yield printed
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait()


def environment(folder: Path) -> dict[str, str]:
    pairs = (folder / "environment").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def test_everything_that_can_be_pasted_works(
    web: Web,
    processes: Processes,
    places: dict[str, str],
    tmp_path: Path,
) -> None:
    [receiver] = [each for each in FOUND if each.file == "receiver.py"]
    (tmp_path / "receiver.py").write_text(at(places, receiver.code))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with shell(at(places, script(FOUND, "sh")), tmp_path, {**processes.env, "PATH": path}) as told:
        reader = subprocess.run(
            [sys.executable, "-c", at(places, script(FOUND, "python"))],
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert reader.returncode == 0, reader.stderr
        await_condition("the payment's webhook came", lambda: "order.paid" in told.read_text())
    assert "idempotent-replayed: true" in told.read_text()
    assert reader.stdout.splitlines()[-2:] == [
        "paid",
        "422 There is no such sale - There is no sale 'unheard-of'.",
    ]
    by_customer = dict(Order.objects.values_list("customer", "status"))
    assert by_customer == {"ada": Status.CANCELLED, "grace": Status.PAID}


def test_the_table_of_retries_is_the_codes_own() -> None:
    rows = {
        Retry.SAME_KEY: "with the same key, after",
        Retry.NEW_KEY: "only as a new order",
        Retry.CORRECTED: "after putting it right",
        Retry.PLACE_AGAIN: "by placing the order again",
        Retry.NO: "no |",
    }
    lines = GUIDE.read_text().splitlines()
    for retry, start in rows.items():
        [row] = [line for line in lines if line.startswith(f"| {start}")]
        named = {slug for slug in ALL if f"`{slug}`" in row}
        assert named == {slug for slug, kind in ALL.items() if kind.retry is retry}
