"""Runs the FastAPI application under uvicorn."""

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
    uvicorn,
)
from bench.peers.stock import redis_stock


class FastApi:
    """FastAPI, pydantic and redis-py's asyncio client."""

    name = "fastapi"

    def missing(self) -> str | None:
        """Return what has to be installed first, or None."""
        return missing_packages(fastapi="FastAPI")

    @asynccontextmanager
    async def running(self, servers: Servers, *, processes: int = 1) -> AsyncIterator[Running]:
        """Serve the application with so many processes."""
        web, api_key, prefix = own_web(servers, self.name), new_api_key(), f"peer:{self.name}"
        commands = {"web": uvicorn("bench.peers.fastapi_app.app:app", web, processes=processes)}
        env = settings(redis_url=servers.redis_url, prefix=prefix, api_key=api_key)
        async with (
            redis_stock(servers.redis_url, prefix) as stock,
            serving(commands, name=self.name, state=servers.state, env=env) as services,
        ):
            await until_answered(web, services["web"])
            yield RunningPeer(web.url, api_key, stock, services)
