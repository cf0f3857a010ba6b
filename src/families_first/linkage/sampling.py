"""A sample of pairs for people to decide: the only witness of how good links are where no truth is known.

Pairs are drawn by weight, most of them where a link is in doubt, and come in an order that tells nothing; nor
does the file say how probable a pair was held to be, so that nobody is led. It lies in ``outbox/``, names
people, and is deleted with the identifiers.
"""

import csv
import io
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.durable import make_private_folder, write_durably
from families_first.governance.policy import Resource
from families_first.linkage.columns import COUNCIL, IDENTIFIERS, ROW_KEY
from families_first.linkage.linking import (
    LINKING,
    Given,
    Linked,
    Said,
    Study,
    link_owner,
    open_study,
    prepare,
)
from families_first.linkage.plan import LinkPlan
from families_first.matching.clerical import draw_sample
from families_first.matching.evidence import Floats, Ints

SAMPLE_PREFIX = "clerical-sample-"
FEWEST_LABELS, MOST_LABELS = 30, 5000

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NEXT_TO_NOTHING = 1.0  # log2 odds by which pairs that are no candidate lie below the least probable one


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample that was drawn: its file in the outbox, the pairs in it, and from how many it was drawn."""

    owner: str
    path: Path
    pairs: int
    among: int


def draw_pairs(
    desk: Desk,
    project: str,
    owner: str,
    *,
    plan: LinkPlan,
    labels: int = 300,
    seed: int = 1,
    latest: bool = False,
    said: Said = lambda step: None,
) -> Drawn:
    """Draw pairs of an owner's records and the council's rows for people to decide.

    Parameters
    ----------
    labels
        About how many pairs to draw: 30 to 5,000.
    seed
        The same seed draws the same pairs of the same splits.

    Raises
    ------
    UserError
        As ``link_study``; NOT_FOUND, when the plan does not link the owner or there is no pair to look at;
        REFUSED, when its identifiers are encoded, so that nobody could tell; USAGE, when ``labels`` is beyond
        the bounds.
    """
    if not FEWEST_LABELS <= labels <= MOST_LABELS:
        raise UserError(
            f"A sample has {FEWEST_LABELS} to {MOST_LABELS:,} pairs",
            where="--labels",
            fix="Fewer say too little, and more than that nobody decides with care.",
            code=ExitCode.USAGE,
        )
    home = desk.home
    agreements, pairs = prepare(desk, project, plan)
    pair = next((each for each in pairs if each.owner == owner), None)
    if pair is None:
        raise UserError(
            f"The plan of '{project}' links no owner '{owner}'",
            where=owner,
            fix=f"Name one of: {', '.join(each.owner for each in pairs)}.",
            code=ExitCode.NOT_FOUND,
        )
    with (
        desk.act(
            LINKING,
            Resource("Identifiers", project),
            agreement_in_force=True,
            details={"project": project, "sample_of": owner},
        ) as act,
        ExitStack() as stack,
    ):
        study = open_study(act, agreements, plan, (pair,), latest=latest, said=said)
        one = link_owner(study, pair, given=Given(), stack=stack, said=said)
        if one.encoded:
            raise UserError(
                f"The identifiers of {owner} are encoded: nobody can tell from tokens who somebody is",
                where=owner,
                fix="Have such links judged by the owner, or measure them where the truth is known.",
                code=ExitCode.REFUSED,
            )
        row, record, score = _pairs_to_draw(study, one)
        if len(score) == 0:
            raise UserError(
                f"No pair of {owner} and the council is near enough to being one person to be looked at",
                where=owner,
                fix="There is nothing to decide.",
                code=ExitCode.NOT_FOUND,
            )
        join = float(np.log2(plan.link_at / (1.0 - plan.link_at)))
        # Where there are no more pairs than that, ten times as many are asked for, and so all are drawn.
        wanted = labels if len(score) > labels else 10 * len(score)
        sample = draw_sample(score, join=join, labels=wanted, seed=seed)
        drawn_of_band = np.bincount(sample.band, minlength=len(sample.band_pairs))
        stands_for = sample.band_pairs[sample.band] / drawn_of_band[sample.band]
        rng = np.random.default_rng([seed, 2])
        stratum = rng.permutation(len(sample.band_pairs))[sample.band]
        order = rng.permutation(len(sample.rows))
        drawn = sample.rows[order]
        sheet = pa.table(
            {"same": [""] * len(order), "stratum": stratum[order], "stands_for": stands_for[order]}
        )
        text = _as_csv(study, one, row[drawn], record[drawn], sheet)
        path = home.outbox / f"{SAMPLE_PREFIX}{project}-{owner}.csv"
        make_private_folder(home.outbox)
        write_durably(path, text.encode())
        act.note(pairs=len(sample.rows), among=len(score))
    return Drawn(owner, path, len(sample.rows), len(score))


def _pairs_to_draw(study: Study, one: Linked) -> tuple[Ints, Ints, Floats]:
    """Return the council's row, the owner's record and the score of each pair that may be drawn.

    Beside the candidates these are pairs that a guard held back or rivals outdid, because right links may be
    among them. The score is log2 odds.
    """
    found = one.candidates
    odds = np.clip(found.probability, 1e-9, 1 - 1e-9)
    score = np.log2(odds / (1 - odds))
    edges, least = one.between.edges, one.between.thresholds.split
    near = edges.filter(pc.greater_equal(edges["weight"], least))
    row = _places(near["key_l"], study.council["record_key"])
    record = _places(near["key_r"], one.keys)
    wide = np.int64(max(study.programme.people, 1))
    pair = record * wide + study.programme.person[row]
    order = np.lexsort((-near["weight"].to_numpy(), pair))
    _, first = np.unique(pair[order], return_index=True)
    others = order[first]
    others = others[~np.isin(pair[others], found.record * wide + found.person)]
    below = (score.min() if len(score) else 0.0) - _NEXT_TO_NOTHING
    return (
        np.concatenate([found.row, row[others]]),
        np.concatenate([found.record, record[others]]),
        np.concatenate([score, np.full(len(others), below)]),
    )


def _as_csv(study: Study, one: Linked, row: Ints, record: Ints, sheet: pa.Table) -> str:
    """Return the pairs side by side, each with its line of ``sheet``."""
    council, owner = study.programme.rows.take(pa.array(row)), one.rows.take(pa.array(record))
    columns: dict[str, list[object]] = {
        "key_l": council[ROW_KEY].to_pylist(),
        "key_r": owner[ROW_KEY].to_pylist(),
        **sheet.to_pydict(),
    }
    for name in IDENTIFIERS:
        for said_by, table in ((COUNCIL, council), (one.pair.owner, owner)):
            if name in table.column_names:
                columns[f"{name} ({said_by})"] = table[name].to_pylist()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for line in zip(*columns.values(), strict=True):
        writer.writerow(["" if each is None else _without_formula(each) for each in line])
    return out.getvalue()


def _without_formula(cell: object) -> object:
    """Keep a spreadsheet from taking a text for a formula (OWASP ASVS 5.0, 1.2.10)."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _places(keys: pa.ChunkedArray, among: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.index_in(keys, value_set=among.combine_chunks())).astype(np.int64)
