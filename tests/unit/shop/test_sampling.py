"""Which traces are recorded, and whether any are: OpenTelemetry's own variables decide."""

import logging

import pytest

from shop.core.tracing import recording
from shop.core.tracing.sampling import Sampling

SAMPLED = f"00-{'a' * 32}-{'b' * 16}-01"
UNSAMPLED = f"00-{'a' * 32}-{'b' * 16}-00"
COLLECTOR = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


def test_nothing_said_is_one_order_in_a_hundred_and_whatever_the_caller_records() -> None:
    sampling = Sampling.chosen({})
    assert sampling == (True, 0.01)
    assert sampling.takes(SAMPLED)
    assert not sampling.takes(UNSAMPLED)
    taken = sum(sampling.takes("") for _ in range(100_000))
    assert 500 < taken < 2000  # 1,000 on average: 15 standard deviations


@pytest.mark.parametrize(
    ("name", "argument", "expected"),
    [
        ("always_on", "", (False, 1.0)),
        ("always_off", "", (False, 0.0)),
        ("traceidratio", "0.25", (False, 0.25)),
        ("traceidratio", "", (False, 1.0)),
        ("parentbased_always_on", "", (True, 1.0)),
        ("parentbased_always_off", "0.5", (True, 0.0)),
        ("parentbased_traceidratio", "0.5", (True, 0.5)),
        ("", "0.5", (True, 0.5)),
    ],
)
def test_the_standard_samplers_mean_what_they_say(
    name: str, argument: str, expected: tuple[bool, float]
) -> None:
    said = {"OTEL_TRACES_SAMPLER": name, "OTEL_TRACES_SAMPLER_ARG": argument}
    assert Sampling.chosen({key: value for key, value in said.items() if value}) == expected


def test_a_sampler_that_heeds_no_parent_heeds_none() -> None:
    assert not Sampling.chosen({"OTEL_TRACES_SAMPLER": "always_off"}).takes(SAMPLED)
    assert Sampling.chosen({"OTEL_TRACES_SAMPLER": "always_on"}).takes(UNSAMPLED)


@pytest.mark.parametrize(
    "said",
    [
        {"OTEL_TRACES_SAMPLER": "clairvoyant"},
        {"OTEL_TRACES_SAMPLER_ARG": "much"},
        {"OTEL_TRACES_SAMPLER_ARG": "2"},
        {"OTEL_TRACES_SAMPLER_ARG": "nan"},
    ],
)
def test_what_is_not_understood_is_said_and_the_default_is_taken(
    said: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert Sampling.chosen(said) == (True, 0.01)
    assert next(iter(said.values())) in caplog.text


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ({}, False),
        (COLLECTOR, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", **COLLECTOR}, False),
        ({"OTEL_SDK_DISABLED": "TRUE", **COLLECTOR}, False),
        ({"OTEL_SDK_DISABLED": "false", **COLLECTOR}, True),
        ({"OTEL_SERVICE_NAME": "shop"}, False),
    ],
)
def test_traces_are_recorded_where_the_variables_ask_for_them(
    said: dict[str, str], wanted: bool
) -> None:
    assert recording.wanted(said) is wanted
