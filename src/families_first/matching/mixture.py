"""Who else could two such records be? A mixture over comparison patterns that knows about families.

Splink asks one question of a pair: the same person, or two strangers? In family records the wrong links
are hardly ever strangers; they are sisters, twins, a father and the son who bears his name. So a pair here
is one of

==============  =====================================================================================
same            one person at one home
moved           one person at two homes: every part of the address differs together
stranger        two people with nothing in common but chance
family          two of one surname in one home
household       two of different surnames in one home
twin            two of one surname, home and birth date
namesake        two of one surname and home, one of them named after the other
==============  =====================================================================================

Each kind of pair takes, for each comparison, either the shares of levels among one person's records
(``m``) or among strangers (``u``): a sister has the home and surname of the same person and the forename of
a stranger. The only new numbers are how many pairs of each kind there are, and the data say that: where a
file holds no families, those kinds vanish and the weight is Splink's own.

The numbers are fitted by expectation-maximisation over counted patterns (Dempster, Laird & Rubin 1977; for
linkage Winkler 1988), with the expected number of chance patterns fixed by the number of all possible
pairs.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.matching.comparisons import Comparison, Sharing

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ONE_PERSON = ("same", "moved")
RELATIVES = ("family", "household", "twin", "namesake")
# Twins are about 1.5 % of births and a same-name parent and child is rarer still; among the pairs of one
# household's records neither kind can be more than a small share. Without the bound, a man whose forename was
# misheard would pass for his own twin.
_TWINS_PER_FAMILY_PAIR = 0.03
_NAMESAKES_PER_FAMILY_PAIR = 0.03


@dataclass(frozen=True, slots=True)
class Patterns:
    """Counted comparison patterns.

    ``gammas`` is (patterns, comparisons) of Splink's level numbers, -1 for null; ``counts`` is (patterns,).
    ``possible`` is the number of all possible pairs of the records, times the share of candidates counted.
    """

    comparisons: tuple[Comparison, ...]
    gammas: Ints
    counts: Floats
    possible: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Level shares by comparison, in order of the level number (0 = other): ``m`` of one person, ``u`` of
    strangers.
    """

    m: tuple[Floats, ...]
    u: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Expected number of pairs of each kind among the candidates."""

    same: float
    moved: float
    stranger: float
    family: float
    household: float
    twin: float
    namesake: float

    @property
    def one_person(self) -> float:
        """Expected number of pairs of one person, moved or not."""
        return self.same + self.moved

    @property
    def has_families(self) -> bool:
        """Whether different people who share a home are common enough in the records to be guarded
        against.
        """
        return (self.family + self.household) > 0.02 * max(self.one_person, 1.0)


# What two people share as one person's records do, besides home and family name.
_ALSO_SHARED = {"twin": {"dob"}, "namesake": {"forename", "sex", "middle_names"}}


def takes_m(kind: str, comparison: Comparison) -> bool:
    """Return whether a pair of this kind agrees on this comparison as one person's records do."""
    if comparison.sharing is Sharing.HOME:
        return kind not in {"stranger", "moved"}
    if comparison.sharing is Sharing.FAMILY:
        return kind not in {"stranger", "household"}
    return kind in ONE_PERSON or comparison.name in _ALSO_SHARED.get(kind, set())


def _log_shares(patterns: Patterns, shares: tuple[Floats, ...]) -> Floats:
    """Return (patterns, comparisons): natural log of each level's share, 0 where null."""
    out = np.zeros(patterns.gammas.shape)
    for index, share in enumerate(shares):
        gamma = patterns.gammas[:, index]
        out[:, index] = np.where(gamma < 0, 0.0, np.log(share[np.maximum(gamma, 0)]))
    return out


def _kinds(comparisons: tuple[Comparison, ...]) -> tuple[str, ...]:
    names = {each.name for each in comparisons}
    homes = any(each.sharing is Sharing.HOME for each in comparisons)
    if not homes or "forename" not in names:
        return ("same", "stranger")
    return (*ONE_PERSON, "stranger", *RELATIVES)


def _responsibilities(patterns: Patterns, shares: Shares, sizes: dict[str, float]) -> tuple[Floats, Floats]:
    """Return (patterns, kinds) shares of each pattern belonging to each kind, and (patterns,) log expected
    counts.
    """
    log_m, log_u = _log_shares(patterns, shares.m), _log_shares(patterns, shares.u)
    columns = []
    for kind, size in sizes.items():
        chosen = np.array([takes_m(kind, each) for each in patterns.comparisons])
        columns.append(np.log(max(size, 1e-9)) + np.where(chosen, log_m, log_u).sum(axis=1))
    logs = np.stack(columns, axis=1)
    top = logs.max(axis=1, keepdims=True)
    weights = np.exp(logs - top)
    total = weights.sum(axis=1, keepdims=True)
    return weights / total, (top + np.log(total))[:, 0]


def fit(
    patterns: Patterns, shares: Shares, *, learn: bool, strength: float = 20.0, rounds: int = 60
) -> tuple[Shares, Sizes]:
    """Fit the sizes of the kinds and, when ``learn``, the shares ``m`` of one person's records.

    Parameters
    ----------
    shares
        Where to start; ``u`` is kept. The starting ``m`` also counts as ``strength`` pairs seen beforehand,
        so that a level which never occurs keeps a sensible share.
    """
    kinds = _kinds(patterns.comparisons)
    start = max(0.05 * float(patterns.counts.sum()), 1.0)
    sizes = {kind: (patterns.possible if kind == "stranger" else start) for kind in kinds}
    if "twin" in sizes:
        sizes["twin"] = sizes["namesake"] = 0.03 * start
        sizes["moved"] = 0.2 * start
    prior = shares.m
    current = shares
    for _ in range(rounds):
        resp, _ = _responsibilities(patterns, current, sizes)
        mass = (resp * patterns.counts[:, None]).sum(axis=0)
        fresh = dict(zip(kinds, mass.tolist(), strict=True))
        fresh["stranger"] = patterns.possible
        if "twin" in fresh:
            related = fresh["family"] + fresh["twin"] + fresh["namesake"]
            fresh["twin"] = min(fresh["twin"], _TWINS_PER_FAMILY_PAIR * related)
            fresh["namesake"] = min(fresh["namesake"], _NAMESAKES_PER_FAMILY_PAIR * related)
        moved = max(abs(fresh[k] - sizes[k]) / max(sizes[k], 1.0) for k in kinds)
        sizes = fresh
        if learn:
            weights = {
                kind: resp[:, at] * patterns.counts for at, kind in enumerate(kinds) if kind in ONE_PERSON
            }
            current = Shares(m=_learn_m(patterns, weights, prior, strength), u=current.u)
        if moved < 1e-4:
            break
    complete = dict.fromkeys((*ONE_PERSON, "stranger", *RELATIVES), 0.0) | sizes
    return current, Sizes(**complete)


def _learn_m(
    patterns: Patterns, weights: dict[str, Floats], prior: tuple[Floats, ...], strength: float
) -> tuple[Floats, ...]:
    """Return the shares of one person's pairs; a pair that moved teaches nothing about homes."""
    learnt = []
    for index, (each, before) in enumerate(zip(patterns.comparisons, prior, strict=True)):
        gamma = patterns.gammas[:, index]
        seen = gamma >= 0
        weight = sum((w for kind, w in weights.items() if takes_m(kind, each)), np.zeros(len(gamma)))
        counts = np.bincount(gamma[seen], weights=weight[seen], minlength=len(before)) + strength * before
        learnt.append(counts / counts.sum())
    return tuple(learnt)


def weight_sql(comparisons: tuple[Comparison, ...], sizes: Sizes, part: dict[str, str]) -> str:
    """Return SQL for the household-aware match weight: log2 odds of one person against all else together.

    Parameters
    ----------
    part
        By comparison name, SQL for its log2 Bayes factor (term-frequency adjusted): Splink's ``mw_`` columns.
    """
    same = max(sizes.same, 1.0)

    def together(kinds: tuple[str, ...]) -> str:
        terms = []
        for kind in kinds:
            size = getattr(sizes, kind)
            against = [part[each.name] for each in comparisons if not takes_m(kind, each)]
            if size > 0:
                total = " + ".join(against) if against else "0.0"
                terms.append(f"power(2.0, {np.log2(size / same):.6f} - ({total}))")
        return " + ".join(terms)

    return f"log2({together(ONE_PERSON)}) - log2({together(('stranger', *RELATIVES))})"
