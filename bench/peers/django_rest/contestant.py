"""Runs the Django project: gunicorn, one Celery worker with two processes, tables of its own."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.contestant import Running, Servers
from bench.peers.running import RunningPeer
from bench.peers.serving import (
    missing_packages,
    new_api_key,
    own_web,
    serving,
    settings,
    until_answered,
    until_ready,
)
from bench.peers.stock import redis_stock
from shop.local.processes.service import Service
from shop.local.web import Web

from . import READY
from .database import new_ledger, own_database

PROJECT = "bench.peers.django_rest"
LEAST_PROCESSES = 2


class DjangoRest:
    """Django REST framework with one Celery task per order; never less than two web processes."""

    name = "django-rest"

    def missing(self) -> str | None:
        """Return what has to be installed first, or None."""
        return missing_packages(rest_framework="Django REST framework", gunicorn="gunicorn")

    @asynccontextmanager
    async def running(self, servers: Servers, *, processes: int = 1) -> AsyncIterator[Running]:
        """Make the database, serve the site, and run the worker."""
        web, api_key, prefix = own_web(servers, self.name), new_api_key(), f"peer:{self.name}"
        commands = {
            "web": gunicorn(web, processes=max(processes, LEAST_PROCESSES)),
            "worker": celery_worker(),
        }
        async with (
            redis_stock(servers.redis_url, prefix) as stock,
            own_database(servers.database_url) as database_url,
        ):
            env = settings(redis_url=servers.redis_url, prefix=prefix, database_url=database_url)
            env["DJANGO_SETTINGS_MODULE"] = f"{PROJECT}.settings"
            ledger = await new_ledger(database_url, env, api_key=api_key)
            async with serving(commands, name=self.name, state=servers.state, env=env) as services:
                await until_answered(web, services["web"])
                await until_takes_orders(services["worker"])
                peer = RunningPeer(web.url, api_key, stock, services, ledger, workers=("worker",))
                try:
                    yield peer
                finally:
                    await peer.resume_workers()  # a frozen process does not hear that it is to end


def gunicorn(web: Web, *, processes: int) -> list[str]:
    """Return the command that serves the site."""
    options = (
        f"--bind {web.host}:{web.port} --workers {processes} --worker-class gthread --threads 4 "
        "--log-level warning --no-control-socket"
    )
    return [sys.executable, "-m", "gunicorn", f"{PROJECT}.wsgi", *options.split()]


def celery_worker() -> list[str]:
    """Return the command that runs the tasks."""
    options = (
        "--concurrency 2 --without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
    )
    return [sys.executable, "-m", "celery", "-A", PROJECT, "--quiet", "worker", *options.split()]


async def until_takes_orders(worker: Service) -> None:
    """Return once the worker has said that it takes tasks."""

    async def has_said_so() -> bool:
        return any(READY in line for line in await asyncio.to_thread(worker.last_lines))

    await until_ready(worker, has_said_so)
