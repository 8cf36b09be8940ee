"""Requests that nobody has thought of, made from the OpenAPI document, against a real web process.

Each operation gets the document's examples, every boundary of each field, other methods, missing
headers, and random requests: some as the document wants them, some that break it in one place. What
comes back has to be documented: status, media type, headers, body; nothing may fail on our side.

`make test` sends some 600 requests, the same ones each time. GENERATED_REQUESTS=20000 sends more.
"""

import copy
import os
from collections import Counter
from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.config import SchemathesisConfig

from orders.api.openapi import document
from shop.core.processes import health
from shop.core.tasks import progress
from tests.aiming import Known, signer
from tests.conftest import MakeSale
from tests.processes import Processes, Web

REQUESTS = int(os.environ.get("GENERATED_REQUESTS", "600"))
NOT_RANDOM = 330  # examples, boundaries and other methods: there is no more of them to be had
OPERATIONS = sum(len(path) for path in document()["paths"].values())

# A query field that nobody knows is ignored, and so is what is told of anything but payments.
_LENIENT = ["getOrder", "takePayment", "takeStripeEvent"]
# 422 is for what is well-formed and yet no order: a sale that is not there, a key used before.
_EXPECTED = ["2xx", "401", "404", "409", "410", "422"]
_CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 4711,
        "generation": {
            "deterministic": True,
            "max-examples": max(5, (REQUESTS - NOT_RANDOM) // OPERATIONS),
        },
        "checks": {"positive_data_acceptance": {"expected-statuses": _EXPECTED}},
        "operations": [
            {
                "include-operation-id": _LENIENT,
                "checks": {"negative_data_rejection": {"enabled": False}},
            }
        ],
    }
)
schema = schemathesis.openapi.from_dict(copy.deepcopy(document()), config=_CONFIG)


@pytest.fixture(scope="module")
def sent(request: pytest.FixtureRequest) -> Iterator[Counter[tuple[str, int]]]:
    """Counts the answers, and shows at the end what there was."""
    counts: Counter[tuple[str, int]] = Counter()
    yield counts
    terminal = request.config.get_terminal_writer()
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        terminal.line()
        for (operation, status), times in sorted(counts.items()):
            terminal.line(f"{times:6} × {status}  {operation}")
        terminal.line(f"{counts.total():6} generated requests")


@pytest.fixture
def known(web: Web, processes: Processes, make_sale: MakeSale) -> Known:
    for part in health.SILENCE_SECONDS:  # the test's empty Redis does not know it yet
        progress.report(part)
    skus = [f"SKU-{number}" for number in range(20)]
    make_sale("drop", dict.fromkeys(skus, 1000))
    lines = [{"sku": skus[0], "quantity": 1}]
    order = web.order("first", lines=lines, headers={"Prefer": "wait=20"}).json()
    return Known("drop", skus, order)


@schema.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
@pytest.mark.timeout(120 + REQUESTS // 5)
def test_what_comes_back_is_documented(
    case: Case, web: Web, known: Known, sent: Counter[tuple[str, int]]
) -> None:
    known.aim(case)
    with requests.Session() as session:
        response = case.call_and_validate(
            web.base_url,
            session=session,
            headers={"Authorization": f"Bearer {web.api_key}"},
            auth=signer(case),
        )
    sent[case.operation.label, response.status_code] += 1


def test_the_document_that_was_tested_is_the_one_that_is_served(web: Web) -> None:
    assert web.http.get("/api/v1/openapi.json").json() == document()
