"""A flash sale's order endpoint with FastAPI and redis-py: one EVALSHA per order."""

import os
import secrets
import uuid
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

MOST_CONNECTIONS = 128
PATIENCE_SECONDS = 2.0
PREFIX = os.environ["PEER_PREFIX"]
AUTHORIZATION = f"Bearer {os.environ['PEER_API_KEY']}".encode()

client = Redis(
    connection_pool=BlockingConnectionPool.from_url(
        os.environ["PEER_REDIS_URL"],
        max_connections=MOST_CONNECTIONS,
        timeout=PATIENCE_SECONDS,
        socket_timeout=PATIENCE_SECONDS,
        socket_connect_timeout=PATIENCE_SECONDS,
        protocol=2,
    )
)
reserve = client.register_script((Path(__file__).parents[1] / "reserve.lua").read_text())
app = FastAPI(openapi_url=None)


class Line(BaseModel):
    """So many units of one SKU."""

    sku: Annotated[str, Field(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1)]


class Order(BaseModel):
    """An order of a customer in a sale."""

    sale: Annotated[str, Field(min_length=1, max_length=64)]
    customer: Annotated[str, Field(min_length=1, max_length=128)]
    lines: Annotated[list[Line], Field(min_length=1, max_length=20)]


async def authenticated(authorization: Annotated[str, Header()] = "") -> None:
    """Let nobody pass without the key."""
    if not secrets.compare_digest(authorization.encode(), AUTHORIZATION):
        raise HTTPException(401)


@app.post("/api/v1/orders", dependencies=[Depends(authenticated)])
async def place_order(
    order: Order, idempotency_key: Annotated[str, Header(min_length=1, max_length=255)]
) -> Response:
    """Hold the stock and queue the order, or say that it is sold out."""
    sale = f"{PREFIX}:{{{order.sale}}}"
    found = await reserve(
        keys=[f"{sale}:stock", f"{sale}:requests", f"{sale}:orders"],
        args=[
            idempotency_key,
            str(uuid.uuid4()),
            order.model_dump_json(),
            *(part for line in order.lines for part in (line.sku, line.quantity)),
        ],
    )
    if found is None:
        return JSONResponse({"type": "sold-out"}, 409)
    return JSONResponse({"id": found[0].decode(), "status": "accepted"}, 202)


@app.exception_handler(RedisError)
async def unavailable(request: Request, error: RedisError) -> Response:
    """Say that the outcome is unknown; the same key asked again gets the truth."""
    return JSONResponse({"type": "unavailable"}, 503)


@app.get("/healthz")
async def alive() -> Response:
    """Answer with an empty 200."""
    return Response()
