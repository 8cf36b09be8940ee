"""What settings.LOGGING does to the loggers of the programs that load it."""

import os
import subprocess
import sys

from tests.processes import ROOT

PROGRAM = """
import logging
import uvicorn
server = uvicorn.Config("orders.asgi:application", access_log=False)
import django
django.setup()
logging.getLogger("uvicorn.error").info("started")
logging.getLogger("celery.task").warning("done")
print(logging.getLogger("uvicorn.access").hasHandlers())
"""


def run(**variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_servers_and_workers_write_lines_like_all_others() -> None:
    assert run().stderr == "INFO    uvicorn.error started\nWARNING celery.task done\n"


def test_the_access_log_stays_off_that_would_make_orders_take_the_long_way() -> None:
    assert run().stdout == "False\n"


def test_a_log_format_that_nobody_knows_ends_the_program_with_the_reason() -> None:
    done = run(LOG_FORMAT="xml")
    assert done.returncode == 1
    assert "LOG_FORMAT=xml: one of text, json is expected." in done.stderr
