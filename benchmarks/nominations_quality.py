"""From files to nominated families over several made-up counties, beside what the truth nominates.

Each county goes the whole way that ``families-first demo`` goes. Prints one JSON document: for each seed the
precision and recall of co-family pairs and of nominated families with the causes of every difference, and the
same over all seeds together.

    python benchmarks/nominations_quality.py [--people 20000] [--seeds 1 2 3]
"""

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from families_first.council.demonstration import make_demo


def measure(people: int, seed: int) -> dict[str, Any]:
    """Return the demo's figures for one county."""
    with tempfile.TemporaryDirectory() as folder:
        demo = make_demo(Path(folder), people=people, seed=seed)
    summary = demo.summary()
    nominations, families = demo.nominations, demo.families
    return {
        "seed": seed,
        "matching": summary["matching"]["pairs"]
        | {"widest_gap": summary["matching"]["widest_gap_in_recall"]},
        "families": summary["families"],
        "nominations": summary["nominations"],
        "counts": {
            "right": nominations.right,
            "found": nominations.found,
            "recalled": nominations.recalled,
            "true": nominations.true,
            "pairs_both": families.both,
            "pairs_found": families.found,
            "pairs_true": families.true,
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    chosen = parser.parse_args()
    runs = [measure(chosen.people, seed) for seed in chosen.seeds]
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run["counts"])
    together = {
        "co_family_precision": counts["pairs_both"] / counts["pairs_found"],
        "co_family_recall": counts["pairs_both"] / counts["pairs_true"],
        "nomination_precision": counts["right"] / counts["found"],
        "nomination_recall": counts["recalled"] / counts["true"],
        "nominated_in_truth": counts["true"],
    }
    print(json.dumps({"people": chosen.people, "together": together, "runs": runs}, indent=1))


if __name__ == "__main__":
    main()
