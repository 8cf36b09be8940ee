"""The user that PostgreSQL runs as, since it refuses to run as root, and folders it can reach."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shop.local.errors import LocalStackError

UNPRIVILEGED = 65534  # the user "nobody" on most systems; it needs no entry in /etc/passwd
ELSEWHERE = "elsewhere"
OUTSIDE = Path("/var/tmp")  # noqa: S108 - what is made there is checked to be our own


def server_uid() -> int | None:
    """Return the uid to run PostgreSQL as, or None for the own one."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def as_user(uid: int | None) -> dict[str, Any]:
    """Return the arguments with which `subprocess` runs a program as `uid` (None: unchanged)."""
    return {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}


def may_execute(path: Path, uid: int) -> bool:
    """Return whether `uid` may run the file, or enter the folder, at `path`."""
    test = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
    try:
        return subprocess.run(test, cwd="/", check=False, **as_user(uid)).returncode == 0
    except OSError as error:  # a container may hold a root that cannot become another user
        raise LocalStackError(
            f"PostgreSQL does not run as root, and root may not become uid {uid} here ({error}); "
            "run as an ordinary user, or set DATABASE_URL"
        ) from error


def reachable_folder(state: Path, uid: int | None) -> Path:
    """Return the folder in which `uid` can keep data for `state`: `state` itself where possible.

    Where `uid` cannot get there (root's home, for one) it is a folder under /var/tmp, to which
    `state`/elsewhere points. The modes of the folders above are left alone: they are not ours.
    """
    state.mkdir(parents=True, exist_ok=True)
    if uid is None or may_execute(state, uid):
        return state
    folder = OUTSIDE / f"shop-{hashlib.sha256(str(state).encode()).hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise LocalStackError(f"{folder} was made by someone else; remove it")
    if not (link := state / ELSEWHERE).is_symlink():
        # The state is new, so what is there belonged to one that was thrown away.
        shutil.rmtree(folder)
        folder.mkdir()
        link.symlink_to(folder)
    folder.chmod(0o755)  # whatever the umask is
    return folder


def remove_state(state: Path) -> None:
    """Remove `state` and what is kept for it outside."""
    if (link := state / ELSEWHERE).is_symlink():
        shutil.rmtree(link.resolve())
    shutil.rmtree(state)


def copy_readable(sources: Iterable[Path], target: Path) -> None:
    """Copy folders into `target`, at once or not at all, for every user to read and run."""
    draft = target.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    for source in sources:
        shutil.copytree(source, draft / source.name, ignore=shutil.ignore_patterns("include"))
    for path in [draft, *draft.rglob("*")]:  # the umask, here or at the installation, may be strict
        mode = path.stat().st_mode
        path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    draft.rename(target)


def make_folder(path: Path, uid: int | None) -> None:
    """Make an empty folder that only `uid` can use, in place of whatever was there."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    if uid is not None:
        os.chown(path, uid, uid)
