"""API keys for the stack's own use, kept with its state and used again at the next start."""

from shop.local.stack import Stack


async def api_key(stack: Stack, kept_as: str, client: str) -> str:
    """Return the key kept as `kept_as`; where there is none that works, that of a new `client`."""
    key = stack.credentials.get(kept_as)
    # The API is asked, for the database may be another one than when the key was kept.
    if not key or await _is_refused(stack, key):
        key = (await stack.manage("create_client", client)).splitlines()[-1].strip()
        stack.credentials.keep(kept_as, key)
    return key


async def _is_refused(stack: Stack, key: str) -> bool:
    reply = await stack.web.get("/api/v1/orders/0", Authorization=f"Bearer {key}")
    return reply.status == 401
