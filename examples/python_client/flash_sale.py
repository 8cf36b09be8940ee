"""A client for the order API that retries rightly (needs httpx2 and standardwebhooks).

- The idempotency key is made once and is on disk before the order is first sent. Whatever dies, the
  next run goes on with the same key, so one basket can never become two orders.
- No answer, and answers that say nothing (408, 429, 5xx), are followed by another try, no sooner
  than Retry-After says, with full jitter, until patience ends. A no is raised, not tried again.
"""

import json
import os
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx2
from standardwebhooks import Webhook

Json = dict[str, Any]

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 10.0
WAIT_SECONDS = 20  # for a change of status, in one request
UNDECIDED = {408, 429, 500, 502, 503, 504}


class Refused(Exception):
    """The answer is no. `slug` says which: sold-out, purchase-limit, sale-closed, …"""

    def __init__(self, response: httpx2.Response) -> None:
        try:
            self.problem: Json = response.json()
        except ValueError:  # not from the API: a proxy in between, say
            self.problem = {"type": "", "title": f"HTTP {response.status_code}"}
        self.slug = str(self.problem.get("type", "")).rpartition("/")[2]
        super().__init__(self.problem.get("detail") or self.problem.get("title"))


class Undecided(Exception):
    """Patience has ended without a yes or a no. The same attempt can be placed again, any time."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An order that somebody wants, and its idempotency key."""

    key: str
    order: Json

    @classmethod
    def kept_at(cls, path: Path, order: Json) -> Self:
        """Return the attempt that is kept at `path`; if there is none, make one and keep it.

        Of several processes that try at once, one makes it and all return the same.
        """
        if not path.exists():
            draft = path.with_name(f"{path.name}.{uuid4()}")
            with draft.open("x") as file:
                json.dump(asdict(cls(str(uuid4()), order)), file)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                path.hardlink_to(draft)  # all of it or nothing, and never over another one
            draft.unlink()
        return cls(**json.loads(path.read_text()))


class Shop:
    """The order API, for one API key. `patience` is how long a call goes on trying, in seconds."""

    def __init__(self, url: str, api_key: str, *, patience: float = 60.0) -> None:
        self._patience = patience
        self._http = httpx2.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx2.Timeout(WAIT_SECONDS + 10, connect=3),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def place(self, attempt: Attempt) -> Json:
        """Return the order that an attempt has become. Raises Refused and Undecided."""
        headers = {"Idempotency-Key": attempt.key}
        return self._ask("POST", "/api/v1/orders", json=attempt.order, headers=headers)

    def get(self, order_id: str) -> Json:
        """Return an order as it is now. Raises Refused and Undecided."""
        return self._ask("GET", f"/api/v1/orders/{order_id}")

    def follow(self, order: Json) -> Json:
        """Return the order once its status is another than in `order`. Raises as `get`."""
        deadline, params = time.monotonic() + self._patience, {}
        while time.monotonic() < deadline:
            now = self._ask("GET", f"/api/v1/orders/{order['id']}", params=params)
            if now["status"] != order["status"]:
                return now
            params = {"wait": WAIT_SECONDS}  # not at once: the change may have been already
        raise Undecided(f"the order is still {order['status']}")

    def cancel(self, order_id: str) -> Json:
        """Return the order, cancelled. Raises Refused and Undecided."""
        return self._ask("POST", f"/api/v1/orders/{order_id}/cancel")

    def _ask(self, method: str, path: str, **request: Any) -> Json:
        deadline, tries = time.monotonic() + self._patience, 0
        while True:
            least = 0.0
            try:
                response = self._http.request(method, path, **request)
            except httpx2.TransportError as error:
                reason = f"no answer: {error}"
            else:
                if response.is_success:
                    return dict(response.json())
                least = _retry_after(response)
                if response.status_code not in UNDECIDED and not least:
                    raise Refused(response)
                reason = f"HTTP {response.status_code}: {response.text[:200]}"
            pause = least + _jitter(tries)
            if time.monotonic() + pause > deadline:
                raise Undecided(reason)
            time.sleep(pause)
            tries = min(tries + 1, 10)


def _retry_after(response: httpx2.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


def _jitter(tries: int) -> float:
    """Return a random pause, in seconds: those who failed together do not return together."""
    return random.uniform(0, min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**tries))


def read_event(secret: str, headers: Mapping[str, str], body: bytes) -> Json:
    """Return the event that a webhook tells of.

    `body` is what came over the wire, byte by byte. Raises standardwebhooks'
    WebhookVerificationError for what was not signed with `secret` within the last five minutes.
    """
    return dict(Webhook(secret).verify(body, dict(headers)))
