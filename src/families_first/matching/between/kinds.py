"""What a pair across two tables can be, and how likely each kind makes what is seen.

The kinds are those of ``mixture``, and one more: *neighbours* share street or postcode and not the house.
Their addresses agree in ways that go together (one street has few postcodes), so that kind takes its shares
of whole address patterns from pairs of neighbours in the tables themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from families_first.matching.between.judging import Flags
from families_first.matching.between.levels import Floats, Ints, gammas_of
from families_first.matching.comparisons import BY_NAME, Comparison, Sharing
from families_first.matching.mixture import ONE_PERSON, RELATIVES, takes_m

NEIGHBOUR = "neighbour"
ANOTHER = ("stranger", NEIGHBOUR, *RELATIVES)
KINDS = (*ONE_PERSON, *ANOTHER)
_NAMED_APART = ("stranger", NEIGHBOUR, "household")
_BORN_APART = (*_NAMED_APART, "family")
FORENAMES_AGREE = BY_NAME["forename"].gamma("alike")
"""From this level on forenames are alike, and tell the sex."""
_SMALL = 1e-12


@dataclass(frozen=True, slots=True)
class Near:
    """Address patterns of neighbours: ``codes`` (sorted, other comparisons as missing), their log2 ``share``
    among neighbours with the same values missing, and ``least``, the log2 share of a pattern never seen.
    """

    codes: Ints
    share: Floats
    least: float


@dataclass(frozen=True, slots=True)
class Chance:
    """How strangers agree: ``u`` by comparison, in order of the level number; ``sex`` the shares of that
    comparison among strangers whose forenames agree, which are hardly ever of both sexes (None without).
    """

    u: tuple[Floats, ...]
    sex: Floats | None


@dataclass(frozen=True, slots=True)
class Ties:
    """What goes together among strangers, for each left row (rows,): log2 of how much more often than chance.

    ``names`` is of its two names, ``cohort`` of its forename and time of birth.
    """

    names: Floats
    cohort: Floats


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is seen in each pair, ready to be weighed under any shares.

    ``found`` are the distinct patterns, ``place`` (pairs,) says which one a pair has, ``rare`` by comparison
    is (pairs,) log2 of u over the frequency of the shared value, 0 where no rare value is shared. ``names``
    and ``cohort`` (pairs,) are the ties of pairs that agree on both.
    """

    comparisons: tuple[Comparison, ...]
    found: Ints
    place: Ints
    rare: Mapping[str, Floats]
    names: Floats
    cohort: Floats

    @property
    def gammas(self) -> Ints:
        """Level numbers of the distinct patterns, (patterns, comparisons)."""
        return gammas_of(self.found, self.comparisons)


def gather_evidence(
    codes: Ints,
    rows: Ints,
    comparisons: tuple[Comparison, ...],
    *,
    chance: Chance,
    rarity: Mapping[str, Floats],
    ties: Ties,
) -> Evidence:
    """Gather what is seen in pairs of these patterns and left rows (both of shape (pairs,)).

    Parameters
    ----------
    rarity
        By column, the share of all rows with the value of each left row (:func:`tables.rarities`).
    """
    found, place = np.unique(codes, return_inverse=True)
    place = place.reshape(-1)
    gammas = gammas_of(found, comparisons)
    at = {each.name: index for index, each in enumerate(comparisons)}
    same = {name: gammas[:, index] == len(comparisons[index].levels) - 1 for name, index in at.items()}
    rare = {}
    for index, each in enumerate(comparisons):
        column = each.levels[0].rarity_column
        if column is not None:
            rare[each.name] = _of_rows(
                same[each.name][place], rows, np.log2(chance.u[index][-1] / rarity[column])
            )
    names = cohort = np.zeros(len(codes))
    if {"forename", "surname"} <= at.keys():
        names = _of_rows((same["forename"] & same["surname"])[place], rows, ties.names)
    if {"forename", "dob"} <= at.keys():
        year = comparisons[at["dob"]].gamma("same year")
        cohort = _of_rows((same["forename"] & (gammas[:, at["dob"]] >= year))[place], rows, ties.cohort)
    return Evidence(comparisons, found, place, rare, names, cohort)


def _of_rows(wanted: Flags, rows: Ints, value: Floats) -> Floats:
    """Return the value of each pair's row where it is wanted, 0 elsewhere."""
    out = np.zeros(len(rows))
    out[wanted] = value[rows[wanted]]
    return out


def kinds_of(comparisons: tuple[Comparison, ...], near: Near | None) -> tuple[str, ...]:
    """Return the kinds that these comparisons can tell apart."""
    names = {each.name for each in comparisons}
    if "forename" not in names or not any(each.sharing is Sharing.HOME for each in comparisons):
        return ("same", "stranger")
    return tuple(kind for kind in KINDS if kind != NEIGHBOUR or near is not None)


def is_address(comparison: Comparison) -> bool:
    """Return whether neighbours may share it: all of an address but the house."""
    return comparison.sharing is Sharing.HOME and comparison.name != "house"


@dataclass(frozen=True, slots=True)
class Looks:
    """How pairs of each kind look: ``m`` shares of one person, ``chance`` of strangers, ``moved`` of the
    homes and surnames of one who moved (by comparison; the others are not used), ``near`` of neighbours.
    """

    m: tuple[Floats, ...]
    chance: Chance
    moved: tuple[Floats, ...]
    near: Near | None


def mass(evidence: Evidence, looks: Looks, sizes: Mapping[str, Floats], group: Ints) -> dict[str, Floats]:
    """Return by kind log2 of how many pairs of that kind look like each pair (shape (pairs,)).

    The part that one person's records at one home would have in common is left out of all alike.

    Parameters
    ----------
    sizes
        By kind, how many pairs there are in each group of right rows (groups,).
    group
        The group of each pair's right row (pairs,).
    """
    gammas, comparisons = evidence.gammas, evidence.comparisons
    log_m = [_log_share(looks.m[index], gammas[:, index]) for index in range(len(comparisons))]
    log_u = [_log_share(looks.chance.u[index], gammas[:, index]) for index in range(len(comparisons))]
    _tie_sex(log_u, looks.chance, gammas, comparisons)
    rare: dict[tuple[str, ...], Floats] = {}
    found = {}
    for kind, size in sizes.items():
        pattern = np.zeros(len(gammas))
        by_chance = []
        for index, each in enumerate(comparisons):
            if kind == NEIGHBOUR and is_address(each):
                pattern -= log_m[index]
            elif kind == "moved" and each.sharing is not Sharing.NOBODY:
                pattern += _log_share(looks.moved[index], gammas[:, index]) - log_m[index]
            elif kind == NEIGHBOUR or not takes_m(kind, each):
                pattern += log_u[index] - log_m[index]
                if each.name in evidence.rare:
                    by_chance.append(each.name)
        if kind == NEIGHBOUR and looks.near is not None:
            pattern += _near_share(looks.near, evidence)
        log = pattern[evidence.place] + np.log2(np.maximum(size, 1e-9))[group]
        if by_chance:
            names = tuple(by_chance)
            if names not in rare:
                rare[names] = np.sum([evidence.rare[name] for name in names], axis=0)
            log -= rare[names]
        if kind in _NAMED_APART:
            log += evidence.names
        if kind in _BORN_APART:
            log += evidence.cohort
        found[kind] = log
    return found


def _log_share(share: Floats, gamma: Ints) -> Floats:
    return np.asarray(np.where(gamma < 0, 0.0, np.log2(np.maximum(share[np.maximum(gamma, 0)], _SMALL))))


def _tie_sex(log_u: list[Floats], chance: Chance, gammas: Ints, comparisons: tuple[Comparison, ...]) -> None:
    """Replace the chance shares of sex where forenames agree."""
    at = {each.name: index for index, each in enumerate(comparisons)}
    if chance.sex is None or "sex" not in at or "forename" not in at:
        return
    agree = gammas[:, at["forename"]] >= FORENAMES_AGREE
    tied = _log_share(chance.sex, gammas[:, at["sex"]])
    log_u[at["sex"]] = np.where(agree, tied, log_u[at["sex"]])


def address_codes(codes: Ints, comparisons: tuple[Comparison, ...]) -> Ints:
    """Return the codes with all but the address as missing."""
    kept = np.zeros(len(codes), dtype=np.int64)
    for index, each in enumerate(comparisons):
        if is_address(each):
            power = 16**index
            kept += (codes // power) % 16 * power
    return kept


def learn_near(codes: Ints, comparisons: tuple[Comparison, ...]) -> Near | None:
    """Return the address patterns of neighbours from the patterns of such pairs; None without enough."""
    if len(codes) < 100 or not any(is_address(each) for each in comparisons):
        return None
    found, counts = np.unique(address_codes(codes, comparisons), return_counts=True)
    missing = _missing(found, comparisons)
    masks, mask = np.unique(missing, return_inverse=True)
    total = np.bincount(mask.reshape(-1), weights=counts, minlength=len(masks)) + 1.0
    share = np.log2((counts + 0.05) / total[mask.reshape(-1)])
    return Near(found, share, float(np.log2(0.05 / total.max())))


def _near_share(near: Near, evidence: Evidence) -> Floats:
    codes = address_codes(evidence.found, evidence.comparisons)
    at = np.minimum(np.searchsorted(near.codes, codes), len(near.codes) - 1)
    share = np.where(near.codes[at] == codes, near.share[at], near.least)
    return np.where(codes == 0, 0.0, share)


def _missing(codes: Ints, comparisons: tuple[Comparison, ...]) -> Ints:
    mask = np.zeros(len(codes), dtype=np.int64)
    for index in range(len(comparisons)):
        mask += ((codes // 16**index) % 16 == 0).astype(np.int64) << index
    return mask


def total(masses: Mapping[str, Floats], kinds: tuple[str, ...]) -> Floats:
    """Return log2 of the sum over these kinds."""
    logs = [masses[kind] for kind in kinds if kind in masses]
    top = np.maximum.reduce(logs)
    return np.asarray(top + np.log2(sum(np.exp2(each - top) for each in logs)))
