"""What a holder's checkpoints say of a log, as a table."""

import pytest

from families_first.governance.audit.checkpoints import Checkpoint
from families_first.governance.audit.verifying import compare

AS_IT_WAS, OTHER = b"a" * 32, b"b" * 32

# What was witnessed at 50, 100, 150 and 200 entries, held against a log of so many entries that has the same
# root at those of the sizes that are named.
TABLE = [
    ("nothing was changed", 200, (50, 100, 150, 200), ""),
    ("entries were added since", 900, (50, 100, 150, 200), ""),
    (
        "the end is gone",
        180,
        (50, 100, 150),
        "The end was cut off: 20 of 200 entries are gone, none before entry 150.",
    ),
    (
        "everything is gone",
        0,
        (),
        "The end was cut off: 200 of 200 entries are gone, none before entry 0.",
    ),
    (
        "an entry is other than it was",
        200,
        (50, 100),
        "Entries were rewritten between entry 100 and entry 149: they are not those that were there.",
    ),
    (
        "an early entry is other than it was",
        400,
        (),
        "Entries were rewritten between entry 0 and entry 49: they are not those that were there.",
    ),
    (
        "an entry is gone and those after it moved up",
        199,
        (50, 100),
        "Entries were deleted: 1 of 200 are gone, the first between entry 100 and entry 149.",
    ),
]


@pytest.mark.parametrize(("case", "size", "same", "told"), TABLE, ids=[row[0] for row in TABLE])
def test_a_holder_of_checkpoints_says_what_became_of_the_log(
    case: str, size: int, same: tuple[int, ...], told: str
) -> None:
    held = [Checkpoint("council.exampleshire", at, AS_IT_WAS, "") for at in (50, 100, 150, 200)]
    roots = {at: AS_IT_WAS if at in same else OTHER for at in (50, 100, 150, 200) if at <= size}
    assert compare(held, roots, size) == ([told] if told else [])
