"""Who certainly had which units, and when."""

import pytest

from proof.demo.account.occupancy import FOR_GOOD, Occupancy, Takings, peaks


@pytest.mark.parametrize(
    ("stays", "most"),
    [
        ([(1.0, FOR_GOOD), (2.0, FOR_GOOD)], 2),
        ([(1.0, 2.0), (3.0, FOR_GOOD)], 1),
        ([(1.0, 2.0), (2.0, FOR_GOOD)], 1),  # handed on at one moment
        ([(1.0, 3.0), (2.0, 4.0), (3.5, 5.0)], 2),
        ([(3.0, 2.0)], 0),  # gone before it was known
        ([(1.0, 2.0), (FOR_GOOD, FOR_GOOD)], 1),
        ([(1.0, FOR_GOOD), (FOR_GOOD, FOR_GOOD)], 2),
    ],
)
def test_the_peak_is_what_was_taken_at_one_moment(
    stays: list[tuple[float, float]], most: int
) -> None:
    assert peaks(Occupancy("TEE", 1, *span) for span in stays)["TEE"] == most


def test_each_thing_has_its_own_peak() -> None:
    found = peaks(
        [Occupancy("TEE", 2, 0.0), Occupancy("CAP", 1, 0.0, 1.0), Occupancy("CAP", 3, 2.0)]
    )
    assert found == {"TEE": 2, "CAP": 3}


def test_takings_add_up_whatever_was_given_back() -> None:
    takings = Takings([("TEE", 2.0, 3), ("TEE", 1.0, 1), ("CAP", 1.0, 5)])
    assert [takings.by("TEE", moment) for moment in (0.5, 1.0, 1.5, 2.0, 9.0)] == [0, 1, 1, 4, 4]
    assert takings.by("HAT", 9.0) == 0
