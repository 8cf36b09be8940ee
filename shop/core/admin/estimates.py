"""Estimated row counts, where counting would read a big table."""

import json
from typing import Any

from django.db.models import QuerySet


def estimate(rows: QuerySet[Any]) -> int:
    """Return how many rows PostgreSQL's planner expects; it knows from its statistics."""
    plan = json.loads(rows.explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])
