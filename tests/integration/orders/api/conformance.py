"""Does a response keep to the OpenAPI document, and hold nothing that the document leaves out?"""

import copy
from functools import cache
from typing import Any

import httpx2
from jsonschema import Draft202012Validator

from orders.api.openapi import document


def operation(operation_id: str) -> dict[str, Any]:
    """The operation called so."""
    for path in document()["paths"].values():
        for found in path.values():
            if found["operationId"] == operation_id:
                return dict(found)
    raise AssertionError(f"no operation is called {operation_id}")


def assert_documented(operation_id: str, response: httpx2.Response) -> None:
    """Fail where status, media type, headers or body are not as the document has them."""
    documented = operation(operation_id)["responses"]
    assert str(response.status_code) in documented, response.text
    as_documented = documented[str(response.status_code)]
    media_type = response.headers["Content-Type"].partition(";")[0]
    assert media_type in as_documented["content"], response.text
    assert_valid(response.json(), as_documented["content"][media_type]["schema"])
    _assert_headers(response.headers, as_documented["headers"])


def assert_valid(value: Any, schema: dict[str, Any]) -> None:
    """Fail where a value does not fit a schema of the document, or has fields it does not know."""
    validator = Draft202012Validator(
        {**schema, "components": {"schemas": _closed_schemas()}},
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]
    assert not errors, value


@cache
def _closed_schemas() -> dict[str, Any]:
    schemas = copy.deepcopy(document()["components"]["schemas"])
    for schema in schemas.values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return dict(schemas)


def _assert_headers(headers: httpx2.Headers, documented: dict[str, Any]) -> None:
    known = document()["components"]["headers"]
    assert {name for name in known if name in headers} <= set(documented)
    assert headers["X-Request-ID"]
    for name, reference in documented.items():
        always = known[reference["$ref"].rpartition("/")[2]].get("required")
        assert name in headers or not always, name
        if name in headers:
            whole_number = known[name]["schema"].get("type") == "integer"
            value = int(headers[name]) if whole_number else headers[name]
            assert_valid(value, known[name]["schema"])
