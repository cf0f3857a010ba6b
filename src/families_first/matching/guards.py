"""Guards: kinds of pair that look like one person and, in a family, often are not.

Almost every confident false link in family records lies inside a household. A guarded pair is never joined
by the model; it goes to a person for review. Each guard is a row of levels that a pair must show, so that
it can be read, tested as a table and shown in the docs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from families_first.matching.comparisons import BY_NAME

_SAME_FAMILY_NAME = ("same", "close", "part of the other", "swapped with forename", "alike")
_SAME_FORENAME = ("same", "variant", "close", "short form", "swapped with surname")
_FAR_BIRTHS = ("two slips", "same year", "within ten years", "other")
_NO_IDENTIFIER = ("null", "different")
_NO_REFERENCE = ("null", "other")


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard: for each comparison named, the levels (``null`` for not compared) that a pair must show.

    ``families_only`` guards stand down in files that show no families, where their pairs are misheard names.
    """

    name: str
    why: str
    levels: Mapping[str, tuple[str, ...]]
    families_only: bool


GUARDS: tuple[Guard, ...] = (
    Guard(
        "conflicting identifiers",
        "They hold different NINOs, UPNs, NHS numbers or PNC numbers, further apart than a slip of the "
        "keyboard.",
        {"identifiers": ("different", "one same, one different")},
        families_only=False,
    ),
    Guard(
        "identifier of another person",
        "They hold one identifier, but forename and date of birth are both different: a parent's number on a "
        "child's record, or the other way round.",
        {
            "identifiers": ("same", "one slip"),
            "forename": ("other", "alike"),
            "dob": _FAR_BIRTHS,
        },
        families_only=False,
    ),
    Guard(
        "twins",
        "One date of birth and family, two forenames: twins until an identifier says otherwise.",
        {
            "dob": ("same",),
            "forename": ("other",),
            "surname": _SAME_FAMILY_NAME,
            "identifiers": _NO_IDENTIFIER,
            "other_id": _NO_REFERENCE,
        },
        families_only=True,
    ),
    Guard(
        "twins of different sex",
        "One date of birth and family, forenames that are only alike, and different sexes.",
        {
            "dob": ("same",),
            "forename": ("other", "alike", "close"),
            "sex": ("other",),
            "surname": _SAME_FAMILY_NAME,
            "identifiers": _NO_IDENTIFIER,
            "other_id": _NO_REFERENCE,
        },
        families_only=True,
    ),
    Guard(
        "parent and child of one name",
        "One name, and dates of birth more than ten years apart that no slip explains.",
        {
            "forename": _SAME_FORENAME,
            "surname": _SAME_FAMILY_NAME,
            "dob": ("other",),
            "identifiers": _NO_IDENTIFIER,
            "other_id": _NO_REFERENCE,
        },
        families_only=True,
    ),
    Guard(
        "brother or sister",
        "One family name, and both forename and date of birth different.",
        {
            "forename": ("other",),
            "surname": _SAME_FAMILY_NAME,
            "dob": _FAR_BIRTHS,
            "identifiers": _NO_IDENTIFIER,
            "other_id": _NO_REFERENCE,
        },
        families_only=True,
    ),
)


def guard_sql(gamma: Mapping[str, str], *, families: bool) -> str:
    """Return SQL for the name of the first guard that a pair meets, or null.

    Parameters
    ----------
    gamma
        By name of the comparisons that were made, SQL for the level number (-1 for null).
    families
        Whether the records show families (see :attr:`mixture.Sizes.has_families`).
    """
    cases = []
    for guard in GUARDS:
        if guard.families_only and not families:
            continue
        condition = _condition(guard, gamma)
        if condition is not None:
            cases.append(f"WHEN {condition} THEN '{guard.name}'")
    return f"CASE {' '.join(cases)} END" if cases else "CAST(NULL AS VARCHAR)"


def _condition(guard: Guard, gamma: Mapping[str, str]) -> str | None:
    parts = []
    for name, levels in guard.levels.items():
        if name not in gamma:
            if "null" in levels:
                continue
            return None
        comparison = BY_NAME[name]
        numbers = [-1 if level == "null" else comparison.gamma(level) for level in levels]
        parts.append(f"{gamma[name]} IN ({', '.join(str(each) for each in numbers)})")
    return " AND ".join(parts)


def guard_of(levels: Mapping[str, str], *, families: bool = True) -> str | None:
    """Return the guard that a pair with these levels meets; comparisons not given were not made.

    The plain statement of :func:`guard_sql`, for tests and explanations.
    """
    check: Callable[[Guard], bool] = lambda guard: all(  # noqa: E731
        levels.get(name, "null") in wanted for name, wanted in guard.levels.items()
    )
    return next((g.name for g in GUARDS if (families or not g.families_only) and check(g)), None)
