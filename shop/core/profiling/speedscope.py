"""Profiles as files: speedscope's JSON, one profile a thread, and collapsed stacks.

https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def write(path: Path, samples: Counter[tuple[str, ...]], *, name: str, hertz: int) -> None:
    """Write stacks (thread first, then frames from the outermost in) and how often each was seen.

    A reader finds the whole file at `path`, or none.
    """
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(document(samples, name=name, hertz=hertz)))
    draft.replace(path)


def document(samples: Counter[tuple[str, ...]], *, name: str, hertz: int) -> dict[str, Any]:
    """Return a speedscope document; weights are in seconds."""
    numbers: dict[str, int] = {}
    threads: dict[str, list[tuple[list[int], float]]] = defaultdict(list)
    for (thread, *frames), times in samples.most_common():
        stack = [numbers.setdefault(frame, len(numbers)) for frame in frames]
        threads[thread].append((stack, times / hertz))
    return {
        "$schema": SCHEMA,
        "name": name,
        "shared": {"frames": [{"name": frame} for frame in numbers]},
        "profiles": [_profile(thread, stacks) for thread, stacks in sorted(threads.items())],
    }


def collapsed(profile: Mapping[str, Any]) -> str:
    """Return a speedscope document as lines "thread;outer;inner milliseconds"."""
    frames = [frame["name"] for frame in profile["shared"]["frames"]]
    seconds: Counter[str] = Counter()
    for thread in profile["profiles"]:
        for stack, weight in zip(thread["samples"], thread["weights"], strict=True):
            seconds[";".join([thread["name"], *(frames[number] for number in stack)])] += weight
    return "".join(f"{stack} {round(took * 1000)}\n" for stack, took in seconds.most_common())


def _profile(thread: str, stacks: list[tuple[list[int], float]]) -> dict[str, Any]:
    return {
        "type": "sampled",
        "name": thread,
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(weight for _, weight in stacks),
        "samples": [stack for stack, _ in stacks],
        "weights": [weight for _, weight in stacks],
    }
