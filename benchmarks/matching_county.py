"""Accuracy on the simulated county beside plain Splink: false and missed links, clusters, recall by group.

Prints one JSON document. ``python benchmarks/matching_county.py [people] [seed]``
"""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from families_first.matching.files import find_people
from families_first.matching.quality import score_against_truth
from families_first.simulation.county import simulate_county
from families_first.simulation.matchset import match_table
from plain_splink import components, run_plain

AS_OF = date(2026, 9, 30)
TRUTH = ("person_no", "ethnicity")


def measured(truth: np.ndarray, said: np.ndarray) -> dict[str, Any]:
    """Return the scores of one run after clustering, with counts of pairs."""
    scores = score_against_truth(np.unique(said, return_inverse=True)[1], truth)
    return {
        "true": scores.right_pairs,
        "false": scores.found_pairs - scores.right_pairs,
        "missed": scores.true_pairs - scores.right_pairs,
        "pairs": asdict(scores.pairs) | {"f1": scores.pairs.f1},
        "clusters": asdict(scores.clusters) | {"f1": scores.clusters.f1},
        "largest": scores.largest,
    }


def true_pairs(truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return all pairs of rows of one person."""
    order = np.argsort(truth, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(truth[order]) != 0])
    left, right = [], []
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            i, j = np.triu_indices(len(rows), k=1)
            left.append(rows[i])
            right.append(rows[j])
    return np.concatenate(left), np.concatenate(right)


def recall_by_group(records: pa.Table, said: np.ndarray) -> dict[str, dict[str, dict[str, float]]]:
    """Return recall of true pairs by group; a pair counts in the groups of both its records."""
    _, person = np.unique(said, return_inverse=True)
    left, right = true_pairs(records["person_no"].to_numpy())
    hit = person[left] == person[right]
    born = pc.year(records["date_of_birth"]).to_numpy(zero_copy_only=False)
    age = AS_OF.year - born
    bands = np.select(
        [np.isnan(age), age < 10, age < 18, age < 30, age < 50],
        ["?", "0-9", "10-17", "18-29", "30-49"],
        "50+",
    )
    out: dict[str, dict[str, dict[str, float]]] = {}
    groups = {
        "sex": records["sex"].fill_null("?").to_numpy(zero_copy_only=False),
        "age": bands,
        "ethnicity": records["ethnicity"].fill_null("?").to_numpy(zero_copy_only=False),
        "source": records["source"].to_numpy(zero_copy_only=False),
    }
    for name, label in groups.items():
        out[name] = {}
        for value in np.unique(label.astype(str)):
            inside = (label[left] == value) | (label[right] == value)
            if inside.sum() >= 100:
                out[name][str(value)] = {
                    "pairs": int(inside.sum()),
                    "recall": round(float(hit[inside].mean()), 4),
                }
    return out


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 11
    records = match_table(simulate_county(people=people, seed=seed, as_of=AS_OF))
    truth = records["person_no"].to_numpy()
    given = records.drop_columns(list(TRUTH))
    found = find_people(given, model=None)
    said = found.person.to_numpy(zero_copy_only=False)
    plain = run_plain(given)
    best, label = 0.0, np.zeros(len(truth))
    threshold = 0
    for weight in range(-4, 26):
        clusters = components(plain, len(truth), weight)
        score = score_against_truth(clusters, truth).pairs.f1
        if score > best:
            best, label, threshold = score, clusters, weight
    ours, theirs = measured(truth, said), measured(truth, label)
    groups = recall_by_group(records, said)
    print(
        json.dumps(
            {
                "records": len(truth),
                "people": people,
                "ours": ours,
                "plain": theirs | {"threshold": threshold},
                "false_ratio": ours["false"] / max(theirs["false"], 1),
                "recall_by_group": groups,
                "worst_gap": {
                    name: round(
                        max(each["recall"] for each in values.values())
                        - min(each["recall"] for each in values.values()),
                        4,
                    )
                    for name, values in groups.items()
                },
                "plain_recall_by_group": recall_by_group(records, label),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
