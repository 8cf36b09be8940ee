"""The states of an order, drawn from the table in orders/lifecycle.py."""

from orders import lifecycle
from orders.domain import HOLDING, RELEASED, SELLING, Status
from orders.lifecycle import Change

from .drawing import Box, Picture, Point

WIDTH, HEIGHT = 1070, 400
_PLACES = {
    Status.ACCEPTED: (20, 170),
    Status.AWAITING_PAYMENT: (270, 60),
    Status.CONFIRMED: (270, 220),
    Status.REJECTED: (270, 320),
    Status.PAID: (640, 12),
    Status.CANCELLED: (560, 130),
    Status.EXPIRED: (760, 330),
    Status.REFUNDED: (900, 130),
}
# The place of a change's name along its arrow, where the middle is taken.
_NAME_AT = {(Status.EXPIRED, Status.PAID): 0.25, (Status.CANCELLED, Status.REFUNDED): 0.62}
_KINDS = {
    **dict.fromkeys(SELLING, "good"),
    **dict.fromkeys(RELEASED, "bad"),
    **dict.fromkeys(HOLDING, "store"),
}
_UNITS = {
    **dict.fromkeys(SELLING, "units sold"),
    **dict.fromkeys(RELEASED, "units free"),
    **dict.fromkeys(HOLDING, "units held"),
}


def draw() -> str:
    """Return the picture: each status with where its units are, each change with what it moves."""
    picture = Picture("The states of an order", WIDTH, HEIGHT)
    boxes = {status: _box(status) for status in Status}
    names = []
    for name, change in changes().items():
        for source in change.sources:
            start, end = picture.connect(boxes[source], boxes[change.target])
            at = _NAME_AT.get((source, change.target), 0.5)
            x, y = start.x + (end.x - start.x) * at, start.y + (end.y - start.y) * at
            names.append((Point(x, y), name, _moved(change)))
    for box in boxes.values():
        picture.box(box)
    for place, name, moved in names:
        picture.text(Point(place.x, place.y - 2), name, style="name behind", anchor="middle")
        if moved:
            below = Point(place.x, place.y + 13)
            picture.text(below, moved, style="note behind", anchor="middle")
    return picture.svg()


def changes() -> dict[str, Change]:
    """Return every change of the table by its name."""
    named = {name: each for name, each in vars(lifecycle).items() if isinstance(each, Change)}
    assert sorted(map(id, named.values())) == sorted(map(id, lifecycle.CHANGES))
    return {name.lower().replace("_", " "): each for name, each in named.items()}


def _box(status: Status) -> Box:
    x, y = _PLACES[status]
    units = _UNITS.get(status, "held in Redis")
    return Box(x, y, 150, 48, status.value, [units], _KINDS.get(status, "store"))


def _moved(change: Change) -> str:
    moved = {"held": change.held, "sold": change.sold}
    return ", ".join(f"{name} {units:+d}" for name, units in moved.items() if units)
