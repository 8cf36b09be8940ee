"""The OpenAPI document is valid, complete, and true to the code."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from orders import problems
from orders.api.openapi import cases_of, document
from orders.api.openapi.parameters import KEY_PATTERN
from orders.intake.headers import read_idempotency_key
from orders.intake.request import decode_order
from orders.problems import Refused
from orders.urls import urlpatterns
from tests.integration.orders.api.conformance import assert_valid, operation

FOR_PEOPLE = {"index", "problems", "problem", "api-docs", "favicon"}


def operations() -> Iterator[dict[str, Any]]:
    for path in document()["paths"].values():
        yield from path.values()


def contents() -> Iterator[dict[str, Any]]:
    """All bodies in the document: each has a schema and examples."""
    for found in operations():
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
    assert documented_types("placeOrder") == set(problems.ALL) - {"not-found", "bad-request"}


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
        for content in contents()
        for shown in content.get("examples", {}).values()
    ]
    assert examples
    for value, schema in examples:
        assert_valid(value, schema)


def test_the_example_orders_would_be_taken() -> None:
    content = operation("placeOrder")["requestBody"]["content"]["application/json"]
    for shown in content["examples"].values():
        decode_order(msgspec.json.encode(shown["value"]))


def test_only_orders_ask_for_an_api_key() -> None:
    secured = {found["operationId"] for found in operations() if found.get("security")}
    assert secured == {"placeOrder", "getOrder"}


def test_every_response_documents_the_request_id() -> None:
    for found in operations():
        for response in found["responses"].values():
            assert "X-Request-ID" in response["headers"]


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
