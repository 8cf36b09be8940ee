"""The processes and the stores, drawn from the Procfile and the tasks' queues."""

from pathlib import Path

from orders import task_names
from shop.core.tasks.dispatch import TaskName
from shop.local.processes.procfile import queues_of, read_profile
from workers.schedule import SCHEDULE

from .drawing import Box, Picture, Point

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT = 980, 500
# Not in the Procfile: the people and programs around the processes, and the stores.
_AROUND = {
    "clients": Box(
        20, 16, 210, 56, "customers, shops' servers", ["orders, reads: HTTP"], "outside"
    ),
    "provider": Box(250, 16, 210, 56, "payment provider", ["signed messages"], "outside"),
    "people": Box(480, 16, 210, 56, "operators", ["admin, live page, Flower"], "outside"),
    "endpoints": Box(710, 16, 230, 56, "endpoints", ["webhooks, mail, SMS"], "outside"),
}
_STORES = {
    "stock": Box(
        20, 232, 210, 72, "Redis: stock", ["counters, request records,", "outboxes"], "store"
    ),
    "ledger": Box(
        250,
        232,
        210,
        72,
        "PostgreSQL: the ledger",
        ["orders, movements, payments,", "events, deliveries"],
        "store",
    ),
    "broker": Box(
        480, 232, 210, 72, "Redis: broker", ["hints, in a queue for", "each kind of work"], "store"
    ),
    "cache": Box(
        710,
        232,
        230,
        72,
        "Redis: cache",
        ["sessions of the admin,", "previews of imports"],
        "store",
    ),
}
_PLACES = {
    "web": Box(20, 124, 440, 56, "web", ["intake, API, pages, admin: uvicorn"]),
    "flower": Box(480, 124, 210, 56, "flower", ["workers and tasks, to look at"]),
    "beat": Box(710, 124, 230, 56, "beat", [f"{len(SCHEDULE)} sweeps and pulses"]),
}


def draw() -> str:
    """Return the picture of the processes of the Procfile, with the tasks of each worker."""
    processes = read_profile(ROOT, "")
    workers = queues_of(processes)
    assert set(processes) == set(_PLACES) | set(workers), "a process has no place in the picture"
    picture = Picture("Processes and stores", WIDTH, HEIGHT)
    for box in (*_AROUND.values(), *_PLACES.values(), *_STORES.values()):
        picture.box(box)
    group = picture.frame(12, 356, 936, 132, "Celery workers, one for each kind of work")
    boxes = [_worker(place, name, queues) for place, (name, queues) in enumerate(workers.items())]
    for box in boxes:
        picture.box(box)
    _arrows(picture, group)
    _arrow_to_endpoints(picture, boxes[list(workers).index("notifier")])
    return picture.svg()


def tasks_of(queue: str) -> list[str]:
    """Return the names of the tasks that come by a queue."""
    tasks = [each for each in vars(task_names).values() if isinstance(each, TaskName)]
    return [task.name.removeprefix("orders.") for task in tasks if task.queue == queue]


def _worker(place: int, name: str, queues: list[str]) -> Box:
    tasks = [task for queue in queues for task in tasks_of(queue)]
    return Box(22 + 184 * place, 384, 176, 96, name, tasks or queues)


def _arrows(picture: Picture, group: Box) -> None:
    def down(x: float, source: Box, target: Box, label: str = "", *, both: bool = False) -> None:
        start, end = source.y + source.height, target.y
        picture.arrow(Point(x, start), Point(x, end), both=both)
        picture.text(Point(x + 6, (start + end) / 2 + 4), label)

    web, flower = _PLACES["web"], _PLACES["flower"]
    down(125, _AROUND["clients"], web)
    down(355, _AROUND["provider"], web)
    down(585, _AROUND["people"], flower)
    picture.arrow(Point(500, 72), Point(440, 124))
    down(125, web, _STORES["stock"], "one script a batch")
    down(355, web, _STORES["ledger"], "reads; payments", both=True)
    picture.arrow(Point(445, 180), Point(500, 232))
    picture.text(Point(478, 200), "hints")
    down(585, flower, _STORES["broker"], "events")
    picture.arrow(Point(760, 180), Point(670, 232))
    picture.text(Point(724, 212), "hints")
    down(125, _STORES["stock"], group, "drain, release", both=True)
    down(355, _STORES["ledger"], group, "persist, settle", both=True)
    down(585, _STORES["broker"], group, "hints")


def _arrow_to_endpoints(picture: Picture, notifier: Box) -> None:
    endpoints = _AROUND["endpoints"]
    side, start = 964, Point(notifier.x + notifier.width, notifier.y + 40)
    end = Point(endpoints.x + endpoints.width, endpoints.centre.y)
    picture.arrow(start, Point(side, start.y), Point(side, end.y), end)
