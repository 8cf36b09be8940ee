"""The dashboard and the alerts speak of figures that there are, and the runbook of each alert."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
import yaml
from prometheus_client.core import Metric

from . import promql
from .conftest import OPS, ROOT

Values = dict[str, dict[str, set[str]]]
Expression = tuple[str, str, str]  # where it stands, itself, and the text beside it

DASHBOARD: dict[str, Any] = json.loads((OPS / "grafana" / "flash-sale.json").read_text())
RULES: dict[str, Any] = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel["title"], target) for panel in PANELS for target in panel["targets"]]
EXPRESSIONS: list[Expression] = [
    *((f"panel {title}", target["expr"], target["legendFormat"]) for title, target in TARGETS),
    *((rule["alert"], rule["expr"], json.dumps(rule["annotations"])) for rule in ALERTS),
]
# What a server may be set to, and is not in the tests.
NOT_SEEN = {("appendfsync", "everysec"), ("appendfsync", "no")}

has_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed"
)


def values_of(families: list[Metric]) -> Values:
    """The labels of each sample's name, and the values that each of them has."""
    found: Values = defaultdict(lambda: defaultdict(set))
    for family in families:
        for sample in family.samples:
            for label, value in sample.labels.items():
                found[sample.name][label].add(value)
            found[sample.name].setdefault("instance", set())  # Prometheus adds it
    return found


def complaints(scrape: list[Metric], expressions: list[Expression]) -> Iterator[str]:
    """What the expressions name that the scrape does not have."""
    values = values_of(scrape)
    for where, expression, text in expressions:
        named = promql.metrics(expression)
        for name, selectors in named.items():
            if name not in values:
                yield f"{where}: no metric {name}"
            for selector in selectors:
                if selector.label not in values[name]:
                    yield f"{where}: {name} has no label {selector.label}"
                    continue
                for value in set(selector.wanted) - values[name][selector.label]:
                    if (selector.label, value) not in NOT_SEEN:
                        yield f"{where}: {name} has no {selector.label}={value!r}"
        labels = {label for name in named for label in values[name]}
        for label in (promql.grouping(expression) | promql.placeholders(text)) - labels:
            yield f"{where}: no metric has a label {label}"


def test_every_metric_label_and_value_that_is_asked_for_is_told(scrape: list[Metric]) -> None:
    assert list(complaints(scrape, EXPRESSIONS)) == []


def test_every_figure_is_on_the_dashboard_or_wakes_somebody(scrape: list[Metric]) -> None:
    shown = {name for _, expression, _ in EXPRESSIONS for name in promql.metrics(expression)}
    families = {
        name.removesuffix(suffix) for name in shown for suffix in ("_total", "_bucket", "_count")
    }
    assert {family.name for family in scrape} - families - shown == set()


def test_every_figure_is_explained(scrape: list[Metric]) -> None:
    explained = set(re.findall(r"`(shop_\w+)`", (ROOT / "docs" / "metrics.md").read_text()))
    told = {
        f"{family.name}_total" if family.type == "counter" else family.name for family in scrape
    }
    assert explained == told


def test_the_check_finds_what_is_wrong(scrape: list[Metric]) -> None:
    wrong = [
        ("a", "rate(shop_nonsense_total[5m])", ""),
        ("b", 'shop_up{shop="redis"}', ""),
        ("c", 'shop_up{store="oracle"}', ""),
        ("d", "sum by (sku) (shop_up)", "{{store}}"),
        ("e", "shop_up", "{{ $labels.sale }}"),
    ]
    assert [complaint[:1] for complaint in complaints(scrape, wrong)] == ["a", "b", "c", "d", "e"]


def test_every_panel_draws_from_the_chosen_data_source() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    for title, target in TARGETS:
        assert target["datasource"]["uid"] == "${datasource}", title
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "sale"]


def test_every_panel_of_a_labelled_figure_follows_the_chosen_sale(scrape: list[Metric]) -> None:
    values = values_of(scrape)
    for title, target in TARGETS:
        for name, selectors in promql.metrics(target["expr"]).items():
            chosen = ("sale", "=~", "$sale") in selectors
            assert chosen == ("sale" in values[name]), (title, name)


def test_no_panel_covers_another() -> None:
    places = [(panel["title"], panel["gridPos"]) for panel in DASHBOARD["panels"]]
    for (one, a), (other, b) in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (one, other)
    assert all(place["x"] + place["w"] <= 24 for _, place in places)


def test_the_dashboard_has_a_row_for_each_part_of_an_orders_way() -> None:
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == [
        "At a glance",
        *("Answer", "Sale", "Stream", "Persist", "Notify", "Stores", "Workers"),
    ]


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert re.fullmatch(r"\d+[sm]", rule["for"])
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")
    assert rule["annotations"]["runbook_url"] == f"docs/alerts.md#{rule['alert'].lower()}"


def test_the_runbook_has_a_section_for_each_alert_in_the_same_order() -> None:
    runbook = (ROOT / "docs" / "alerts.md").read_text()
    assert re.findall(r"^### (\w+)$", runbook, re.MULTILINE) == [rule["alert"] for rule in ALERTS]
    sections = re.split(r"^### ", runbook, flags=re.MULTILINE)[1:]
    for section in sections:
        assert all(part in section for part in ("**Means**", "**Look**", "**Do**")), section


def test_the_sample_configuration_loads_the_rules_and_one_target() -> None:
    sample = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    assert sample["rule_files"] == ["alerts.yml"]
    [job] = sample["scrape_configs"]
    [targets] = job["static_configs"]
    assert (job["job_name"], len(targets["targets"])) == ("flash-sale", 1)


@has_promtool
@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")],
    ids=" ".join,
)
def test_prometheus_takes_the_files(arguments: tuple[str, ...]) -> None:
    promtool(*arguments)


@has_promtool
def test_alerts_fire_when_they_should_and_stay_silent_otherwise() -> None:
    promtool("test", "rules", "alerts_test.yml")


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=OPS / "prometheus",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
