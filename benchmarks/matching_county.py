"""Accuracy on simulated counties beside plain Splink: false and missed links, people, recall by group.

Plain Splink compares exactly the pairs that our blocking chose, in the same process, and may choose the
threshold that is best on the truth; ours never sees the truth. Groups are those of the true person (sex, age,
ethnicity) and of the record (source, whether a birth date was recorded), over all seeds together.

Prints one JSON document. ``python benchmarks/matching_county.py [people] [seed ...]``
"""

import json
import sys
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.files import Found, find_people
from families_first.matching.model import shipped_model
from families_first.matching.quality import (
    NOT_RECORDED,
    GroupScore,
    TruthScores,
    age_bands,
    numbered,
    score_against_truth,
    score_by_group,
)
from families_first.simulation.county import simulate_county
from families_first.simulation.matchset import match_table
from plain_splink import PlainRun, components, our_pairs, run_plain

AS_OF = date(2026, 9, 30)
PEOPLE, SEEDS = 30_000, (101, 202, 303)
TRUTH = ["person_no", "ethnicity"]
ASKED = "a person is asked"
POINTS = 0.03
GROUPS = ("sex", "age", "ethnicity", "source", "birth_date")
Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


def counted(scores: TruthScores) -> dict[str, Any]:
    """Return the scores of one run after clustering, with counts of pairs."""
    return {
        "false": scores.found_pairs - scores.right_pairs,
        "missed": scores.true_pairs - scores.right_pairs,
        "pairs": {
            "precision": round(scores.pairs.precision, 5),
            "recall": round(scores.pairs.recall, 5),
            "f1": round(scores.pairs.f1, 5),
        },
        "clusters": {
            "precision": round(scores.clusters.precision, 5),
            "recall": round(scores.clusters.recall, 5),
            "f1": round(scores.clusters.f1, 5),
        },
        "largest": scores.largest,
    }


def best_plain(plain: PlainRun, truth: Ints) -> tuple[float, Ints, TruthScores]:
    """Return plain Splink's best threshold by F1 of pairs after clustering, and its people and scores."""
    runs = []
    for threshold in np.arange(-4.0, 30.0, 0.5):
        said = components(plain, len(truth), threshold)
        scores = score_against_truth(said, truth)
        runs.append((scores.pairs.f1, float(threshold), said, scores))
    _, threshold, said, scores = max(runs, key=lambda run: run[0])
    return threshold, said, scores


def one_county(people: int, seed: int) -> tuple[dict[str, Any], pa.Table, pa.Table]:
    """Return the figures of one county, and its records by group with the people that each way found, and
    the missed links.
    """
    county = simulate_county(people=people, seed=seed, as_of=AS_OF)
    records = match_table(county)
    person = records["person_no"].to_numpy()
    truth = numbered(records["person_no"])
    given = records.drop_columns(TRUTH)
    found = find_people(given, model=None)
    ours = numbered(found.person)
    pairs = our_pairs(given)
    threshold, theirs, plain = best_plain(run_plain(given, pairs=pairs), truth)
    scores = score_against_truth(ours, truth)
    shipped = score_against_truth(numbered(find_people(given, model=shipped_model()).person), truth)
    born = pa.array(county.residents.born[person].astype(np.int32)).cast(pa.date32())
    grouped = pa.table(
        {
            "truth": truth,
            "ours": ours,
            "plain": theirs,
            "sex": records["sex"],
            "age": age_bands(born, AS_OF),
            "ethnicity": records["ethnicity"],
            "source": records["source"],
            "birth_date": np.where(records["date_of_birth"].is_null(), "not recorded", "recorded"),
        }
    )
    missed = missed_links(grouped, found, pairs)
    ours_false, plain_false = (each.found_pairs - each.right_pairs for each in (scores, plain))
    figures = {
        "people": people,
        "seed": seed,
        "records": len(truth),
        "true_pairs": scores.true_pairs,
        "candidates": {"ours": found.links.candidates, "plain": pairs.num_rows},
        "ours": counted(scores),
        "ours_with_shipped_model": counted(shipped),
        "plain": counted(plain) | {"threshold": threshold},
        "bars": {
            "false_links_to_plain": round(ours_false / max(plain_false, 1), 4),
            "recall_above_plain": round(scores.pairs.recall - plain.pairs.recall, 5),
            "people_f1_above_plain": round(scores.clusters.f1 - plain.clusters.f1, 5),
        },
    }
    return figures, grouped, missed


def missed_links(grouped: pa.Table, found: Found, pairs: pa.Table) -> pa.Table:
    """Return (row, other, outcome): the pairs of one person's records that ended in two people, and what
    became of each.
    """
    order = np.argsort(grouped["truth"].to_numpy(), kind="stable")
    starts = np.flatnonzero(np.diff(grouped["truth"].to_numpy()[order])) + 1
    each = [np.triu_indices(len(rows), k=1) for rows in np.split(order, starts)]
    left = np.concatenate([rows[i] for rows, (i, _) in zip(np.split(order, starts), each, strict=True)])
    right = np.concatenate([rows[j] for rows, (_, j) in zip(np.split(order, starts), each, strict=True)])
    person = found.person.to_pylist()
    compared = _both(pairs["join_key_l"].to_pylist(), pairs["join_key_r"].to_pylist())
    asked = _both(found.people.review["person_l"].to_pylist(), found.people.review["person_r"].to_pylist())
    rows, others, outcomes = [], [], []
    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        if person[one] == person[other]:
            continue
        if frozenset((person[one], person[other])) in asked:
            outcome = ASKED
        elif frozenset((one, other)) in compared:
            outcome = "compared and thought different"
        else:
            outcome = "never compared"
        rows.append(one)
        others.append(other)
        outcomes.append(outcome)
    return pa.table({"row": rows, "other": others, "outcome": outcomes})


def _both(left: list[Any], right: list[Any]) -> set[frozenset[Any]]:
    return {frozenset(pair) for pair in zip(left, right, strict=True)}


def all_groups(records: pa.Table, missed: pa.Table) -> dict[str, Any]:
    """Return recall by group for both ways, what became of each group's missed links, and the gaps."""
    out: dict[str, Any] = {}
    truth = records["truth"].to_numpy()
    for name in GROUPS:
        ours = score_by_group(records["ours"].to_numpy(), truth, records[name])
        plain = score_by_group(records["plain"].to_numpy(), truth, records[name])
        theirs = {each.group: each for each in plain}
        label = pc.fill_null(records[name], NOT_RECORDED)
        ends = [label.take(missed[end]) for end in ("row", "other")]
        rows = {}
        for each in ours:
            within = pc.or_(pc.equal(ends[0], each.group), pc.equal(ends[1], each.group))
            outcomes = Counter(missed["outcome"].filter(within).to_pylist())
            rows[each.group] = _row(each, theirs[each.group], outcomes)
        out[name] = _gap([each for each in ours if each.recall.count], rows) | {"groups": rows}
    return out


def _row(ours: GroupScore, plain: GroupScore, outcomes: Counter[str]) -> dict[str, Any]:
    lost = 1.0 - ours.recall.share
    return {
        "records": ours.records,
        "recall": round(ours.recall.share, 4),
        "interval": [round(ours.recall.low, 4), round(ours.recall.high, 4)],
        "recall_once_questions_are_answered": round(
            ours.recall.share + lost * outcomes[ASKED] / max(outcomes.total(), 1), 4
        ),
        "precision": round(ours.precision.share, 4),
        "plain_recall": round(plain.recall.share, 4),
        "plain_precision": round(plain.precision.share, 4),
        "missed_links": dict(sorted(outcomes.items())),
    }


def _gap(groups: list[GroupScore], rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the gap between the best group and the worst, which groups trail by over three points, and what
    would close it.

    A small group may trail by chance: it surely does only where even the top of its interval is behind.
    """
    best = max(groups, key=lambda each: each.recall.low)
    worst = min(groups, key=lambda each: each.recall.share)
    trailing = [each for each in groups if best.recall.share - each.recall.share > POINTS]
    return {
        "best": best.group,
        "worst": worst.group,
        "gap": round(best.recall.share - worst.recall.share, 4),
        "over_3_points": {
            each.group: {
                "surely": best.recall.share - each.recall.high > POINTS,
                "closed_by": _closing(each.group, rows[each.group]),
            }
            for each in trailing
        },
    }


def _closing(group: str, row: dict[str, Any]) -> str:
    missed = row["missed_links"]
    total = sum(missed.values())
    return (
        f"answering the questions for review: {missed.get(ASKED, 0)} of {total} missed links wait for a "
        f"person, and with their answers recall is {row['recall_once_questions_are_answered']:.3f} instead "
        f"of {row['recall']:.3f}; the rest needs what the records lack, such as a birth date, when the "
        f"sender is asked for it"
        + (f" ({missed['never compared']} were never compared)" if "never compared" in missed else "")
    )


def main() -> None:
    numbers = [int(each) for each in sys.argv[1:]]
    people, seeds = (numbers[0] if numbers else PEOPLE), (numbers[1:] or SEEDS)
    figures, tables, missing = [], [], []
    offset = 0
    for seed in seeds:
        found, grouped, missed = one_county(people, seed)
        figures.append(found)
        for name in ("truth", "ours", "plain"):
            moved = grouped[name].to_numpy() + offset
            grouped = grouped.set_column(grouped.column_names.index(name), name, pa.array(moved))
        tables.append(grouped)
        missing.append(
            pa.table(
                [pc.add(missed["row"], offset), pc.add(missed["other"], offset), missed["outcome"]],
                names=missed.column_names,
            )
        )
        offset += len(grouped)
    groups = all_groups(pa.concat_tables(tables), pa.concat_tables(missing))
    print(json.dumps({"counties": figures, "by_group": groups}, indent=1))


if __name__ == "__main__":
    main()
