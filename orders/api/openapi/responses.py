"""Responses: their bodies and headers, and for each status the problems that come with it."""

from http import HTTPStatus

import msgspec

from orders.http import problems
from orders.http.problems import ProblemType

from .headers import header_references
from .problem_cases import cases_of
from .shapes import Json, ProblemView, reference

_PROBLEM_HEADERS: dict[int, list[str]] = {
    HTTPStatus.METHOD_NOT_ALLOWED: ["Allow"],
    HTTPStatus.TOO_MANY_REQUESTS: ["Retry-After", "RateLimit", "RateLimit-Policy"],
    HTTPStatus.SERVICE_UNAVAILABLE: ["Retry-After"],
}


def json_content(shape: type[msgspec.Struct], examples: Json) -> Json:
    """Return the content of a request or response whose body has this shape."""
    return {"application/json": {"schema": reference(shape), "examples": examples}}


def response(description: str, content: Json, *headers: str, **more: Json) -> Json:
    """Return a response with these headers, and with those that all have."""
    return {
        "description": description,
        "headers": header_references(*headers, "X-Request-ID", "Cache-Control"),
        "content": content,
        **more,
    }


def problem_responses(operation: str, *kinds: ProblemType) -> Json:
    """Return a response per status, which lists the problems that come with it."""
    order = list(problems.ALL.values())
    return {
        str(status): _problem_response(
            operation, [kind for kind in order if kind in kinds and kind.status == status]
        )
        for status in sorted({kind.status for kind in kinds})
    }


def _problem_response(operation: str, kinds: list[ProblemType]) -> Json:
    types = {"type": {"enum": [f"/problems/{kind.slug}" for kind in kinds]}}
    content = {
        "schema": {"allOf": [reference(ProblemView), {"properties": types}]},
        "examples": {
            f"{kind.slug}-{number}": {"summary": case.happened, "value": case.body()}
            for kind in kinds
            for number, case in enumerate(cases_of(kind), 1)
            if case.comes_up_in(operation)
        },
    }
    return response(
        "\n\n".join(f"**[{kind.title}](/problems/{kind.slug})**: {kind.advice}" for kind in kinds),
        {problems.MEDIA_TYPE: content},
        *_headers(kinds),
    )


def _headers(kinds: list[ProblemType]) -> list[str]:
    if problems.UNAUTHENTICATED in kinds or problems.NO_METRICS_TOKEN in kinds:
        return ["WWW-Authenticate"]
    if problems.SALE_NOT_OPEN in kinds:
        return ["Retry-After-Opening", "Idempotent-Replayed"]
    return _PROBLEM_HEADERS.get(kinds[0].status, [])
