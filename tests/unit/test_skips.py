"""In CI a skip that nobody has agreed to is a failure."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = "import pytest\ndef test_one(): pytest.skip('needs a browser')\ndef test_two(): pass\n"


@pytest.mark.parametrize(("listed", "code"), [("needs a browser", 0), ("needs wrk", 1)])
def test_a_skip_passes_only_with_a_reason_that_is_listed(
    tmp_path: Path, listed: str, code: int
) -> None:
    (tmp_path / "test_some.py").write_text(SKIPPED)
    (tmp_path / "skips").write_text(f"# why\n\n{listed}\n")
    ended = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "tests.skips",
            "-c",
            "/dev/null",
            "test_some.py",
        ],
        cwd=tmp_path,
        env={
            "PYTHONPATH": str(ROOT),
            "SKIPS_ALLOWED": str(tmp_path / "skips"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # they take a second to load
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == code, ended.stdout
    assert ("skipped, and not in" in ended.stdout) == bool(code)
