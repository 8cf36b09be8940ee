"""The image and the Compose file, checked as far as that goes without a container engine."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import jsonschema
import pytest
import redis
import yaml
from django.conf import settings
from django.test import RequestFactory, override_settings

from shop.core.environment import is_loopback
from shop.core.processes import health
from shop.local.processes.procfile import read_procfile

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"
ENTRYPOINT = DOCKER / "entrypoint"
PROCESSES = read_procfile(ROOT / "Procfile")
OURS = [*PROCESSES, "migrate"]
SERVERS = ["postgres", "stock", "broker"]
SECRETS = {
    "DJANGO_SECRET_KEY": "a-secret-key",
    "POSTGRES_PASSWORD": "a-password",
    "FLOWER_BASIC_AUTH": "admin:a-password",
    "PAYMENT_WEBHOOK_SECRET": "whsec_YS1zZWNyZXQtb2YtdGVzdHM=",
}

# --- Reading the files --------------------------------------------------------------------------

VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


class MissingVariable(Exception):
    """A variable that the Compose file requires is unset or empty."""


def compose(env: dict[str, str] = SECRETS) -> dict[str, Any]:
    """Return the Compose file as Docker Compose reads it with the variables `env`."""

    def value(match: re.Match[str]) -> str:
        name, operator, text = match.groups()
        if env.get(name):
            return env[name]
        if operator == ":?":
            raise MissingVariable(f"{name}: {text}")
        return text or ""

    return yaml.safe_load(VARIABLE.sub(value, (DOCKER / "compose.yaml").read_text()))


SERVICES: dict[str, dict[str, Any]] = compose()["services"]


class Instruction(NamedTuple):
    name: str
    value: str


def dockerfile() -> list[list[Instruction]]:
    """Return the instructions of each stage."""
    lines = (DOCKER / "Dockerfile").read_text().splitlines()
    code = "\n".join(line for line in lines if line and not line.startswith("#"))
    stages: list[list[Instruction]] = []
    for line in code.replace("\\\n", " ").splitlines():
        name, value = line.split(maxsplit=1)
        if name == "FROM":
            stages.append([])
        stages[-1].append(Instruction(name, value))
    return stages


def values(name: str) -> list[str]:
    """Return what the image itself, the last stage, says with the instruction `name`."""
    return [instruction.value for instruction in dockerfile()[-1] if instruction.name == name]


def copied() -> list[str]:
    """Return everything that is copied from the repository, in all stages."""
    copies = [value for stage in dockerfile() for name, value in stage if name == "COPY"]
    return [path for copy in copies if "--from=" not in copy for path in copy.split()[:-1]]


def image_env() -> dict[str, str]:
    pairs = (pair.partition("=") for value in values("ENV") for pair in shlex.split(value))
    return {name: value for name, _, value in pairs}


def pins(path: Path) -> dict[str, str]:
    """Return the pinned version of each package, with its marker."""
    lines = [line for line in path.read_text().splitlines() if re.match(r"\w", line)]
    return {f"{name} {marker}": version for name, version, marker in map(_pin, lines)}


def _pin(line: str) -> tuple[str, str, str]:
    requirement, _, marker = line.removesuffix(" \\").partition(";")
    name, version = requirement.strip().split("==")
    return name, version, marker.strip()


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


# --- The Compose file ---------------------------------------------------------------------------

STRING, STRINGS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^\d+s$"}


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def table(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of}


# The part of the Compose specification that is used here. A key that is not in it is a slip.
SERVICE = record(
    build=record(context=STRING, dockerfile=STRING),
    cap_drop=STRINGS,
    command=STRINGS,
    depends_on=table(
        record(condition={"enum": ["service_healthy", "service_completed_successfully"]})
    ),
    env_file={"type": "array", "items": record(path=STRING, required={"type": "boolean"})},
    environment=table(STRING),
    healthcheck=record(
        test={"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}], "items": STRING},
        interval=DURATION,
        timeout=DURATION,
        start_period=DURATION,
        retries={"type": "integer"},
        disable={"const": True},
    ),
    image=STRING,
    init={"type": "boolean"},
    logging=record(driver={"const": "json-file"}, options=table(STRING)),
    networks={"type": "array", "items": {"enum": ["data", "default"]}},
    ports=STRINGS,
    read_only={"type": "boolean"},
    restart={"enum": ["no", "unless-stopped"]},
    security_opt=STRINGS,
    shm_size=STRING,
    stop_grace_period=DURATION,
    tmpfs=STRINGS,
    ulimits=table({"type": "integer"}),
    user=STRING,
    volumes=STRINGS,
)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_only_what_compose_understands(name: str) -> None:
    jsonschema.validate(SERVICES[name], SERVICE)


def test_docker_compose_itself_takes_the_file() -> None:
    command = next(filter(_understands_compose, (["docker", "compose"], ["docker-compose"])), None)
    if command is None:
        pytest.skip("there is no Docker Compose on this machine")
    arguments = [*command, "--file", str(DOCKER / "compose.yaml"), "config", "--quiet"]
    run(arguments, env={**os.environ, **SECRETS})


def _understands_compose(command: list[str]) -> bool:
    try:
        done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True)
    except OSError:
        return False
    return done.returncode == 0 and int(done.stdout.lstrip("v").split(".")[0]) >= 2


def test_every_process_of_the_procfile_is_a_service_and_nothing_else_is() -> None:
    assert sorted(SERVICES) == sorted([*OURS, *SERVERS])
    for name in PROCESSES:
        assert SERVICES[name]["command"] == [name], "the entry point looks it up in the Procfile"


@pytest.mark.parametrize("name", OURS)
def test_a_process_is_unprivileged_and_cannot_write_but_to_memory(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == values("USER")[-1]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "volumes" not in service
    state_dir = service["environment"]["SHOP_STATE_DIR"]
    assert {path.split(":")[0] for path in service["tmpfs"]} == {"/tmp", state_dir}


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_gains_privileges_or_fills_the_disk_with_logs(name: str) -> None:
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[name]["logging"]["options"].keys() >= {"max-size", "max-file"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_watched_and_restarted_unless_it_runs_once(name: str) -> None:
    service = SERVICES[name]
    if name == "migrate":
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"].keys() >= {"test", "interval", "timeout", "retries"}
    if name in PROCESSES:
        assert service["healthcheck"]["test"] == ["CMD", "python", "docker/healthcheck.py", name]


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_waits_for_the_servers_and_the_schema(name: str) -> None:
    conditions = {of: need["condition"] for of, need in SERVICES[name]["depends_on"].items()}
    assert conditions == {
        **dict.fromkeys(SERVERS, "service_healthy"),
        "migrate": "service_completed_successfully",
    }


def test_a_process_is_given_the_time_it_takes_to_stop() -> None:
    (graceful,) = re.findall(r"--timeout-graceful-shutdown (\d+)", PROCESSES["web"])
    assert seconds(SERVICES["web"]["stop_grace_period"]) > int(graceful)
    assert seconds(SERVICES["worker"]["stop_grace_period"]) > settings.CELERY_TASK_TIME_LIMIT


def test_only_this_machine_reaches_the_site_and_flower_and_nobody_the_servers() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"], "flower": ["127.0.0.1:5555:5555"]}
    assert compose()["networks"]["data"] == {"internal": True}
    for name in SERVERS:
        assert SERVICES[name]["networks"] == ["data"]


def test_the_published_ports_are_those_that_the_processes_listen_on(recorder: "Recorder") -> None:
    web = recorder.run(str(ENTRYPOINT), "web", **image_env() | SERVICES["web"]["environment"])
    assert web[web.index("--host") + 1] == "0.0.0.0"
    assert SERVICES["web"]["ports"][0].endswith(f":{web[web.index('--port') + 1]}")
    flower = image_env() | SERVICES["flower"]["environment"]
    assert SERVICES["flower"]["ports"][0].endswith(f":{flower['FLOWER_PORT']}")
    assert not is_loopback(flower["FLOWER_ADDRESS"])


@pytest.mark.parametrize("secret", SECRETS)
def test_nothing_starts_without_its_secrets(secret: str) -> None:
    with pytest.raises(MissingVariable, match=secret):
        compose({**SECRETS, secret: ""})


def test_every_variable_is_explained_in_the_example_and_none_is_there_in_vain() -> None:
    example = (DOCKER / ".env.example").read_text()
    explained = set(re.findall(r"^#[^\n]+\n(\w+)=", example, re.MULTILINE))
    used = {match[0] for match in VARIABLE.findall((DOCKER / "compose.yaml").read_text())}
    settable = set(re.findall(r"`([A-Z0-9_]+)`", (ROOT / "docs" / "configuration.md").read_text()))
    assert explained == set(re.findall(r"^(\w+)=", example, re.MULTILINE)), "one comment each"
    assert used <= explained <= used | settable


def test_the_example_leaves_the_secrets_to_its_reader_and_repeats_the_defaults() -> None:
    lines = (DOCKER / ".env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if re.match(r"\w+=", line))
    assert not any(example[secret] for secret in SECRETS)
    assert compose({**example, **SECRETS}) == compose()


def test_the_stock_server_keeps_its_promises_and_shares_them_with_nobody() -> None:
    options = SERVICES["stock"]["command"]
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert given["--appendonly"] == "yes"
    assert given["--appendfsync"] == "always"
    assert given["--maxmemory-policy"] == "noeviction"
    assert SERVICES["stock"]["volumes"] == ["stock:/data"]
    hosts = {
        name: urlsplit(SERVICES["web"]["environment"][name]).hostname
        for name in ("REDIS_URL", "CELERY_BROKER_URL", "CACHE_URL")
    }
    assert hosts == {"REDIS_URL": "stock", "CELERY_BROKER_URL": "broker", "CACHE_URL": "broker"}


def test_the_ledger_lies_on_a_volume() -> None:
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]
    assert compose()["volumes"].keys() == {"postgres", "stock"}


# --- The image ----------------------------------------------------------------------------------


def test_the_image_runs_as_a_user_without_rights_and_a_fixed_number() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", values("USER")[-1])


def test_all_stages_are_the_same_python_of_a_pinned_minor_version() -> None:
    bases = {stage[0].value.split()[0] for stage in dockerfile()}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+-slim", bases.pop())


def test_the_image_takes_its_processes_by_name_and_passes_signals_on() -> None:
    (entrypoint,) = values("ENTRYPOINT")
    assert json.loads(entrypoint) == ["/app/docker/entrypoint"]
    assert json.loads(values("CMD")[0])[0] in PROCESSES
    assert values("STOPSIGNAL") == ["SIGTERM"]


def test_the_image_watches_itself() -> None:
    (check,) = values("HEALTHCHECK")
    assert "--timeout=" in check
    assert json.loads(check.partition("CMD")[2]) == ["python", "/app/docker/healthcheck.py", "web"]


@pytest.mark.parametrize("path", copied())
def test_what_is_copied_is_there_and_not_ignored(path: str) -> None:
    assert (ROOT / path).exists()
    assert path in _let_through()


def test_nothing_is_let_into_the_build_that_it_does_not_use() -> None:
    assert _let_through() == set(copied())


def _let_through() -> set[str]:
    everything, *rest = re.findall(
        r"^[^#\s].*$", (ROOT / ".dockerignore").read_text(), re.MULTILINE
    )
    assert everything == "*"
    return {line[1:] for line in rest if line.startswith("!")}


def test_the_image_pins_what_the_tests_ran_with() -> None:
    tested = pins(ROOT / "requirements.txt")
    image = pins(DOCKER / "requirements.txt")
    assert image
    assert image.items() <= tested.items()


def test_the_processes_need_no_file_and_no_package_that_the_image_lacks(tmp_path: Path) -> None:
    for path in copied():
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, tmp_path / path)
        else:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / path, tmp_path / path)
    installed = {name.split()[0] for name in pins(DOCKER / "requirements.txt")}
    absent = [
        name
        for name, owners in packages_distributions().items()
        if installed.isdisjoint(owner.lower().replace("_", "-") for owner in owners)
    ]
    code = (
        "import sys; sys.modules.update(dict.fromkeys(sys.argv[1:]))\n"
        "import orders.asgi, shop.celery, workers.tasks, shop.local.flower, flower.command\n"
        "import uvicorn, uvloop, httptools\n"
        "from django.core.management import call_command\n"
        "call_command('check')"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run([sys.executable, "-c", code, *absent], cwd=tmp_path, env=env)


# --- The entry point ----------------------------------------------------------------------------


class Recorder:
    """A `python` that writes down how it was called instead of doing anything."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state"
        self._calls = folder / "calls"
        self._bin = folder / "bin"
        self._bin.mkdir()
        python = self._bin / "python"
        python.write_text(f"#!/bin/sh\nprintf '%s\\n' $$ \"$@\" > {self._calls}\n")
        python.chmod(0o755)

    def run(self, *command: str, **env: str) -> list[str]:
        """Run `command`, and return the arguments with which it became python."""
        env |= {"PATH": f"{self._bin}:{os.environ['PATH']}", "SHOP_STATE_DIR": str(self._state)}
        process = subprocess.Popen(command, cwd=ROOT, env=env)
        assert process.wait(10) == 0
        pid, *arguments = self._calls.read_text().splitlines()
        assert int(pid) == process.pid, "a shell stands between the signals and the process"
        return arguments


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


def test_the_entry_point_can_be_run_is_valid_and_ends_in_exec() -> None:
    assert os.access(ENTRYPOINT, os.X_OK)
    run(["sh", "-n", str(ENTRYPOINT)])
    lines = ENTRYPOINT.read_text().splitlines()
    assert lines[0] == "#!/bin/sh"
    assert "set -eu" in lines
    assert lines[-1] == 'exec "$@"'


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_is_started_as_the_procfile_says(name: str, recorder: Recorder) -> None:
    env = {"WEB_CONCURRENCY": "3", "WORKER_CONCURRENCY": "5", "PORT": "8123"}
    as_written = recorder.run("sh", "-c", PROCESSES[name], **env)
    assert recorder.run(str(ENTRYPOINT), name, **env) == as_written
    assert recorder.run(str(ENTRYPOINT), name, "--more", "a b") == [
        *recorder.run("sh", "-c", PROCESSES[name]),
        "--more",
        "a b",
    ]


def test_any_other_command_is_run_as_it_is(recorder: Recorder) -> None:
    command = SERVICES["migrate"]["command"]
    assert recorder.run(str(ENTRYPOINT), *command, "a b") == [*command[1:], "a b"]


def test_no_command_at_all_is_an_error() -> None:
    done = subprocess.run([ENTRYPOINT], capture_output=True, text=True)
    assert done.returncode != 0
    assert "name a process of the Procfile" in done.stderr


# --- The health checks --------------------------------------------------------------------------


def check(name: str, **env: str) -> str:
    """Return what the health check of the process `name` complains of, "" if it is healthy."""
    done = subprocess.run(
        [sys.executable, DOCKER / "healthcheck.py", name],
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
    )
    assert done.returncode == (1 if done.stderr else 0)
    return done.stderr.strip()


@contextmanager
def site(status: int) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """A site that answers `status`: its port, and the paths and headers it was asked with."""
    seen: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield str(server.server_port), seen
        server.shutdown()
        thread.join()


@pytest.fixture
def own_redis() -> Iterator[str]:
    """The URL of an empty Redis database that no other test uses."""
    url = urlsplit(os.environ["REDIS_URL"])._replace(path="/9").geturl()
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.mark.parametrize("allowed", ["shop.example,www.shop.example", ".shop.example", "*", ""])
def test_the_web_process_is_asked_as_a_proxy_would_ask_it(allowed: str) -> None:
    with site(200) as (port, seen):
        assert check("web", PORT=port, DJANGO_ALLOWED_HOSTS=allowed) == ""
    ((path, headers),) = seen
    assert path == "/healthz"
    assert headers["X-Forwarded-Proto"] == "https"
    with override_settings(ALLOWED_HOSTS=allowed.split(",") if allowed else ["localhost"]):
        assert RequestFactory().get(path, headers={"host": headers["Host"]}).get_host()


@pytest.mark.parametrize(("name", "variable"), [("web", "PORT"), ("flower", "FLOWER_PORT")])
def test_a_process_that_answers_otherwise_or_not_at_all_is_unhealthy(
    name: str, variable: str
) -> None:
    with site(503) as (port, _):
        assert "answers 503" in check(name, **{variable: port})
    assert "does not answer" in check(name, **{variable: port})


def test_flower_is_asked_with_its_first_password() -> None:
    with site(200) as (port, seen):
        assert check("flower", FLOWER_PORT=port, FLOWER_BASIC_AUTH="ada:it's:€,bob:b") == ""
        assert check("flower", FLOWER_PORT=port, FLOWER_BASIC_AUTH="") == ""
    assert [path for path, _ in seen] == ["/healthcheck", "/healthcheck"]
    with_password, without = (headers["Authorization"] for _, headers in seen)
    assert b64decode(with_password.removeprefix("Basic ")).decode() == "ada:it's:€"
    assert without is None


def test_beat_is_healthy_while_what_it_asks_for_gets_done(own_redis: str) -> None:
    assert "the last sweep ended never" in check("beat", REDIS_URL=own_redis)
    with redis.Redis.from_url(own_redis) as client:
        client.hset(
            "shop:progress", mapping=dict.fromkeys(health.SILENCE_SECONDS, str(time.time()))
        )
        assert check("beat", REDIS_URL=own_redis) == ""
        client.hset("shop:progress", "sweep", str(time.time() - 60))
        assert "the last sweep ended 6" in check("beat", REDIS_URL=own_redis)


def test_a_worker_is_healthy_until_it_ends(own_redis: str, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "CELERY_BROKER_URL": own_redis,
        "SHOP_STATE_DIR": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    log = tmp_path / "log"
    with log.open("wb") as file:
        command = [ENTRYPOINT, "worker", "--pool", "solo", "--without-mingle"]
        worker = subprocess.Popen(command, cwd=ROOT, env=env, stdout=file, stderr=file)
    try:
        _await(lambda: b"ready." in log.read_bytes())
        assert check("worker", **env) == ""
    finally:
        worker.terminate()
        assert worker.wait(30) == 0, log.read_text()
    assert "does not answer" in check("worker", **env)


def test_a_check_of_an_unknown_process_says_which_there_are() -> None:
    assert check("nothing") == f"usage: healthcheck.py {'|'.join(PROCESSES)}"


# --- Tools --------------------------------------------------------------------------------------


def run(command: list[str], **options: Any) -> str:
    """Return what `command` prints. It fails the test, with its complaint, if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _await(condition: Callable[[], bool], patience: float = 30) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
