"""How easily a person is made out by what others may know, and making it harder until nobody is.

k: how many people share each combination of the quasi-identifiers (Samarati and Sweeney 1998). l: how many
values of a sensitive field they have among them (Machanavajjhala et al. 2007). Uniqueness: who has a
combination alone. Rare combinations are made coarser for those people alone, field by field in a declared
order; where that is not enough, fields are hidden, in the same order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.errors import ExitCode, UserError
from families_first.research.extract.coarsening import Ladder
from families_first.research.study_data import Categories

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Measured:
    """How people can be told apart: the smallest number who share a combination, the fewest values of a
    sensitive field among those who share one, how many combinations there are, how many people have one
    alone and how many share one with fewer than k; families of whom no other has the same combinations."""

    k: int
    l: int  # noqa: E741 - the word of the field
    combinations: int
    alone: int
    below_k: int
    families_alone: int


@dataclass(frozen=True, slots=True)
class Anonymised:
    """Fields after coarsening, and what was done.

    ``coarsened`` says by field how many people have a coarser value than before, or none that is shown;
    ``hidden`` how many have at least one field hidden.
    """

    fields: Mapping[str, Categories]
    before: Measured
    after: Measured
    coarsened: Mapping[str, int]
    hidden: int


def measure(
    fields: Iterable[Categories], sensitive: Iterable[npt.NDArray[np.generic]], family: Ints, *, k: int
) -> Measured:
    """Measure k, l and uniqueness of people by fields, each of shape (people,)."""
    classes, sizes = _classes(list(fields))
    fewest = _fewest_values(classes, len(sizes), sensitive)
    own = sizes[classes]
    return Measured(
        k=int(sizes.min()) if len(sizes) else 0,
        l=int(fewest.min()) if len(fewest) else 0,
        combinations=len(sizes),
        alone=int((own == 1).sum()),
        below_k=int((own < k).sum()),
        families_alone=_families_alone(classes, family),
    )


def anonymise(
    fields: Mapping[str, Categories],
    ladders: Mapping[str, Ladder],
    sensitive: Sequence[npt.NDArray[np.generic]],
    family: Ints,
    *,
    k: int,
    l: int,  # noqa: E741 - the word of the field
    order: Sequence[str],
    hide_at_most: float,
) -> Anonymised:
    """Make rare combinations coarser until ``k`` people share each, with ``l`` values among them.

    Parameters
    ----------
    fields
        The quasi-identifiers, by name.
    ladders
        The steps of each field that may be made coarser.
    sensitive
        Values of the sensitive fields, each of shape (people,).
    order
        The fields in the order in which they are made coarser; others are never touched.
    hide_at_most
        The largest share of people whose fields may be hidden.

    Raises
    ------
    UserError
        REFUSED, when it cannot be reached, or only by hiding more.
    """
    before = measure(fields.values(), sensitive, family, k=k)
    now = dict(fields)
    people = _rare(now, sensitive, k=k, l=l)
    steps = [name for name in order if name in fields]
    for name in steps:
        now[name] = Categories(fields[name].codes, ladders[name].labels)
    wider = [(name, level) for name in steps for level in ladders[name].levels[1:-1]]
    for name, level in [*wider, *((name, ladders[name].levels[-1]) for name in steps)]:
        if not people.any():
            break
        codes = np.where(people, level[fields[name].codes], now[name].codes).astype(np.int16)
        now[name] = Categories(codes, ladders[name].labels)
        people = _rare(now, sensitive, k=k, l=l)
    wholly = _wholly_hidden(people, now, steps, sensitive, k=k, l=l)
    hidden = np.zeros(len(family), dtype=np.bool_)
    for name in steps:
        codes = np.where(wholly, ladders[name].hidden, now[name].codes).astype(np.int16)
        now[name] = Categories(codes, ladders[name].labels)
        hidden |= codes == ladders[name].hidden
    after = measure(now.values(), sensitive, family, k=k)
    if len(family) and (after.k < k or after.l < l):
        raise _beyond(f"the smallest group that remains has {after.k} people and {after.l} values")
    if hidden.sum() > hide_at_most * len(family):
        raise _beyond(f"{int(hidden.sum())} of {len(family)} people would have their fields hidden")
    coarsened = {name: int((now[name].codes != fields[name].codes).sum()) for name in steps}
    found = {name: _tidy(field) for name, field in now.items()}
    return Anonymised(found, before, after, coarsened, int(hidden.sum()))


def _rare(
    fields: Mapping[str, Categories],
    sensitive: Sequence[npt.NDArray[np.generic]],
    *,
    k: int,
    l: int,  # noqa: E741
) -> Flags:
    """Return who shares a combination with too few people, or with people too much alike."""
    classes, sizes = _classes(list(fields.values()))
    fewest = _fewest_values(classes, len(sizes), sensitive)
    return np.asarray((sizes < k)[classes] | (fewest < l)[classes])


def _wholly_hidden(
    people: Flags,
    fields: Mapping[str, Categories],
    steps: list[str],
    sensitive: Sequence[npt.NDArray[np.generic]],
    *,
    k: int,
    l: int,  # noqa: E741
) -> Flags:
    """Return who must have every field hidden: the rare, and as many more as make a large enough group.

    Those who share the fields that stay (such as the role) are one group when all else is hidden.
    """
    hidden = people.copy()
    kept = [field for name, field in fields.items() if name not in steps]
    groups, _ = _classes(kept) if kept else (np.zeros(len(people), dtype=np.int64), np.ones(1))
    classes, sizes = _classes(list(fields.values()))
    for group in np.unique(groups[hidden]):
        inside = groups == group
        others = np.unique(classes[inside & ~hidden])
        for smallest in others[np.argsort(sizes[others], kind="stable")]:
            if _is_enough(hidden & inside, sensitive, k=k, l=l):
                break
            hidden |= inside & (classes == smallest)
    return hidden


def _is_enough(
    people: Flags,
    sensitive: Sequence[npt.NDArray[np.generic]],
    *,
    k: int,
    l: int,  # noqa: E741
) -> bool:
    return int(people.sum()) >= k and all(len(np.unique(values[people])) >= l for values in sensitive)


def _classes(fields: Sequence[Categories]) -> tuple[Ints, Ints]:
    """Return for each person the number of their combination, and how many people have each."""
    key = np.zeros(len(fields[0].codes), dtype=np.int64)
    for field in fields:
        key = key * (len(field.labels) + 1) + field.codes
        if len(key) and key.max() > np.iinfo(np.int64).max // 1_000_000:
            _, key = np.unique(key, return_inverse=True)
    _, classes, sizes = np.unique(key, return_inverse=True, return_counts=True)
    return classes.astype(np.int64), sizes.astype(np.int64)


def _fewest_values(classes: Ints, count: int, sensitive: Iterable[npt.NDArray[np.generic]]) -> Ints:
    """Return for each combination the number of values of the sensitive field that has fewest there.

    Without a sensitive field there is nothing to be found out, so every combination has as many as it may
    need.
    """
    fewest = np.full(count, np.iinfo(np.int64).max, dtype=np.int64)
    for values in sensitive:
        distinct, numbers = np.unique(values, return_inverse=True)
        pairs = np.unique(classes * (len(distinct) + 1) + numbers)
        fewest = np.minimum(fewest, np.bincount(pairs // (len(distinct) + 1), minlength=count))
    return fewest


def _families_alone(classes: Ints, family: Ints) -> int:
    """Return how many families have a set of combinations that no other family has."""
    order = np.lexsort((classes, family))
    # Two families are alike when the sums of two random numbers of each combination agree.
    count = int(classes.max(initial=-1)) + 1
    random = np.random.default_rng(0).integers(0, 1 << 62, size=(2, count), dtype=np.uint64)
    _, first = np.unique(family[order], return_index=True)
    if not len(first):
        return 0
    sums = [np.add.reduceat(each[classes[order]], first) for each in random]
    _, times = np.unique(np.stack(sums), axis=1, return_counts=True)
    return int((times == 1).sum())


def _tidy(field: Categories) -> Categories:
    """Return a field without the labels that nobody has."""
    used, codes = np.unique(field.codes, return_inverse=True)
    return Categories(codes.astype(np.int16), tuple(field.labels[place] for place in used))


def _beyond(why: str) -> UserError:
    return UserError(
        f"The people of this extract cannot be kept from being made out: {why}",
        where="disclosure",
        fix="Name fewer quasi_identifiers, wider age_bands or larger regions in the protocol, or put more "
        "fields into coarsen; nothing was kept.",
        code=ExitCode.REFUSED,
    )
