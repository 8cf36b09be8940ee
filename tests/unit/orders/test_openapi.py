"""The OpenAPI document is valid, complete, and true to the code."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from orders.api.openapi import cases_of, document, operations_with
from orders.api.openapi.parameters import KEY_PATTERN
from orders.domain import EventType, Status
from orders.http import problems
from orders.http.headers import read_idempotency_key
from orders.http.order_request import decode_order
from orders.http.problems import ProblemType, Refused, Retry
from orders.lifecycle import CHANGES, Change
from orders.payments.adapters import standard
from orders.urls import urlpatterns
from tests.integration.orders.api.conformance import assert_valid, operation
from tests.signing import signed

FOR_PEOPLE = {"index", "drop", "test-payment", "problems", "problem", "api-docs", "favicon"}


OF_OTHER_URLS = {
    "bad-request",
    "bad-signature",
    "not-cancellable",
    "not-found",
    "order-lost",
    "payment-mismatch",
}


def operations() -> Iterator[dict[str, Any]]:
    for path in document()["paths"].values():
        yield from path.values()


def messages() -> Iterator[dict[str, Any]]:
    """What we send."""
    for webhook in document()["webhooks"].values():
        yield webhook["post"]


def snapshot() -> Iterator[dict[str, Any]]:
    """All bodies in the document: each has a schema and examples."""
    for found in [*operations(), *messages()]:
        for response in [found.get("requestBody", {}), *found["responses"].values()]:
            yield from response.get("content", {}).values()


def documented_types(operation_id: str) -> set[str]:
    """The problems that an operation can be answered with."""
    return {
        slug.removeprefix("/problems/")
        for response in operation(operation_id)["responses"].values()
        if problems.MEDIA_TYPE in response["content"]
        for slug in response["content"][problems.MEDIA_TYPE]["schema"]["allOf"][1]["properties"][
            "type"
        ]["enum"]
    }


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(document()).validate()


def test_every_endpoint_for_programs_is_documented_and_no_other() -> None:
    routes = {
        "/" + re.sub(r"<(?:\w+:)?(?:\w+_)?(\w+)>", r"{\1}", str(url.pattern))
        for url in urlpatterns
        if url.name not in FOR_PEOPLE
    }
    assert set(document()["paths"]) == routes


def test_every_kind_of_problem_is_documented_somewhere() -> None:
    documented = set().union(*(documented_types(found["operationId"]) for found in operations()))
    assert documented == set(problems.ALL)


def test_placing_an_order_documents_every_problem_but_those_of_other_urls() -> None:
    assert documented_types("placeOrder") == set(problems.ALL) - OF_OTHER_URLS


@pytest.mark.parametrize("slug", problems.ALL)
def test_every_kind_of_problem_has_an_example(slug: str) -> None:
    assert cases_of(problems.ALL[slug])


def test_every_problem_of_a_response_has_an_example_there() -> None:
    for found in operations():
        for response in found["responses"].values():
            content = response["content"].get(problems.MEDIA_TYPE)
            if content:
                shown = {each["value"]["type"] for each in content["examples"].values()}
                assert shown == set(content["schema"]["allOf"][1]["properties"]["type"]["enum"])


def test_every_example_fits_its_schema() -> None:
    examples = [
        (shown["value"], content["schema"])
        for content in snapshot()
        for shown in content.get("examples", {}).values()
    ]
    assert examples
    for value, schema in examples:
        assert_valid(value, schema)


def test_the_example_orders_would_be_taken() -> None:
    content = operation("placeOrder")["requestBody"]["content"]["application/json"]
    for shown in content["examples"].values():
        decode_order(msgspec.json.encode(shown["value"]))


def test_the_example_payment_would_be_understood() -> None:
    content = operation("takePayment")["requestBody"]["content"]["application/json"]
    for shown in content["examples"].values():
        body = msgspec.json.encode(shown["value"])
        assert standard.PROVIDER.read(signed(body), body, lambda _: None).amount == 7500


def test_an_order_is_shown_in_every_status_it_can_have() -> None:
    shown = operation("getOrder")["responses"]["200"]["content"]["application/json"]["examples"]
    assert {each["value"]["status"] for each in shown.values()} == set(Status)
    assert any("refund_due" in each["value"] for each in shown.values())


def test_every_kind_of_event_is_documented_with_what_it_tells() -> None:
    assert set(document()["webhooks"]) == set(EventType)
    for message in messages():
        assert {each["name"] for each in message["parameters"]} == {
            "webhook-id",
            "webhook-timestamp",
            "webhook-signature",
            "traceparent",
        }


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.event)
def test_the_example_of_an_event_shows_a_status_that_it_leads_to(change: Change) -> None:
    post = document()["webhooks"][change.event]["post"]
    [shown] = post["requestBody"]["content"]["application/json"]["examples"].values()
    targets = {each.target for each in CHANGES if each.event == change.event}
    assert shown["value"]["type"] == change.event
    assert shown["value"]["data"]["status"] in targets


def test_every_operation_says_whether_it_asks_for_an_api_key_and_only_orders_do() -> None:
    asking = [each for each in [*operations(), *messages()] if {"ApiKey": []} in each["security"]]
    secured = {found["operationId"] for found in asking}
    assert secured == {"placeOrder", "getOrder", "cancelOrder"}


def test_only_an_api_key_is_asked_for_as_http_authentication() -> None:
    for found in operations():
        refusal = found["responses"].get("401", {"headers": {}})
        assert ("WWW-Authenticate" in refusal["headers"]) is bool(found.get("security"))


def test_every_response_documents_the_request_id_and_that_it_is_not_to_be_kept() -> None:
    for found in operations():
        for response in found["responses"].values():
            assert {"X-Request-ID", "Cache-Control"} <= set(response["headers"])


def test_every_answer_that_asks_to_come_back_later_says_when() -> None:
    for found in operations():
        for status in {"202", "429", "503"} & set(found["responses"]):
            reference = found["responses"][status]["headers"]["Retry-After"]["$ref"]
            name = reference.rpartition("/")[2]
            assert document()["components"]["headers"][name]["required"]


@pytest.mark.parametrize("kind", problems.ALL.values(), ids=lambda kind: kind.slug)
def test_each_kind_of_problem_knows_the_operations_that_it_comes_from(kind: ProblemType) -> None:
    found = {each.id for each in operations_with(kind)}
    assert found == {
        each["operationId"]
        for each in operations()
        if kind.slug in documented_types(each["operationId"])
    }


@pytest.mark.parametrize("kind", problems.ALL.values(), ids=lambda kind: kind.slug)
def test_what_can_be_retried_with_the_same_key_is_no_fault_of_the_request(
    kind: ProblemType,
) -> None:
    undecided = kind.status in (408, 429, 503) or kind is problems.SALE_NOT_OPEN
    assert (kind.retry is Retry.SAME_KEY) is undecided


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=258)
    | st.text('"\\a', min_size=1, max_size=6)
    | st.text('"\\a', max_size=4).map('"{}"'.format)
)
@example("k" * 255)
@example("k" * 256)
@example('"' + r"\"" * 255 + '"')
@example('"' + r"\"" * 256 + '"')
@example('""')
def test_the_pattern_of_a_key_takes_what_the_intake_takes(value: str) -> None:
    try:
        read_idempotency_key([value.encode()])
        taken = True
    except Refused:
        taken = False
    assert bool(re.search(KEY_PATTERN, value)) is taken
