"""A nation's study: are the planted effects of the 2019 evaluation recovered, and how good are the links?

``python benchmarks/national_effects.py --folder NATION [--draws 5] [--owners justice work ...]``. NATION is
what ``benchmarks/national_scale.py --folder NATION`` wrote: a million people of the programme among five
million in national registers. Links come from the program's own matching; prints each outcome beside its
planted effect, and precision and recall of the links by owner and group, as JSON.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import MappingProxyType

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

GROUPS = ("sex", "age_band", "ethnicity_group")
LINKED_AT = 0.5


def read_nation(folder: Path):  # type: ignore[no-untyped-def]
    """Return a nation's files as a study in memory."""
    from families_first.simulation.national import NationalStudy, StudyPlan
    from families_first.simulation.national.nation import OwnerFiles, Truth

    owners = {}
    for place in sorted(each for each in folder.iterdir() if each.is_dir() and each.name != "truth"):
        sections = {
            path.stem: pq.read_table(path)
            for path in sorted(place.glob("*.parquet"))
            if path.stem != "people"
        }
        owners[place.name] = OwnerFiles(pq.read_table(place / "people.parquet"), MappingProxyType(sections))
    truth = folder / "truth"
    return NationalStudy(
        StudyPlan(),
        0,
        MappingProxyType({"council": owners.pop("council"), **owners}),
        Truth(
            pq.read_table(truth / "links.parquet"),
            pq.read_table(truth / "person.parquet", columns=["person_no", *GROUPS]),
            pq.read_table(truth / "effects.parquet"),
        ),
    )


def judge_links(made, owner: str, links: pa.Table) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Return precision and recall of the links more probable than not, in all and by group."""
    from families_first.governance.vault import locked_connection

    tables = {"links": links, "truth": made.truth.links, "person": made.truth.person}
    with locked_connection(tables) as con:
        con.execute(
            f"""CREATE TEMP TABLE judged AS
            SELECT person.*, o.reference AS true_reference, links.owner AS found_reference
            FROM person
            JOIN truth c ON c.owner = 'council' AND c.person_no = person.person_no
            LEFT JOIN truth o ON o.owner = '{owner}' AND o.person_no = person.person_no
            LEFT JOIN links ON links.council = c.reference AND links.probability >= {LINKED_AT}"""
        )

        def score(where: str) -> dict[str, float]:
            ((right, found, true),) = con.execute(
                f"""SELECT count(*) FILTER (found_reference = true_reference),
                           count(found_reference), count(true_reference) FROM judged WHERE {where}"""
            ).fetchall()
            return {
                "people": true,
                "precision": right / found if found else float("nan"),
                "recall": right / true if true else float("nan"),
            }

        by_group = {}
        for group in GROUPS:
            labels = [row[0] for row in con.execute(f"SELECT DISTINCT {group} FROM judged").fetchall()]
            by_group[group] = {str(label): score(f"{group} = '{label}'") for label in sorted(labels)}
        return {**score("TRUE"), "by_group": by_group}


def measure(folder: Path, *, draws: int) -> dict[str, object]:
    """Link, estimate and compare with the truth."""
    from benchmarks.study_in_memory import link_owners, study_data

    from families_first.research.analysis.adjusting import Choice
    from families_first.research.analysis.drawing import answer_over_draws, answer_without_linkage_error
    from families_first.research.analysis.effects import effects_of
    from families_first.research.analysis.questions import questions_of
    from families_first.research.evaluation.one_thread import one_thread
    from families_first.research.protocol import read_protocol
    from families_first.simulation.exampleshire import study_protocol

    began = time.perf_counter()
    laps: dict[str, float] = {}

    def lap(name: str) -> None:
        laps[name] = round(time.perf_counter() - began - sum(laps.values()), 1)
        print(f"{name}: {laps[name]} s", file=sys.stderr, flush=True)

    protocol = read_protocol(study_protocol().read_bytes(), file_name=study_protocol().name).protocol
    made = read_nation(folder)
    lap("read")
    links = link_owners(made, threads=2)
    lap("link")
    quality = {owner: judge_links(made, owner, table) for owner, table in links.items()}
    lap("judge links")
    study = study_data(made, links, protocol)
    lap("assemble")
    planted = {
        (each["outcome"], each["window"]): each
        for each in made.truth.effects.to_pylist()
        if each["field"] == "all"
    }
    del made
    questions = [each for each in questions_of(protocol, study) if not each.field and not each.is_placebo]
    choice = Choice.of(protocol)
    with one_thread():
        answers = answer_over_draws(
            study, protocol, questions, choice, draws=draws, said=lambda step: print(step, file=sys.stderr)
        )
        naive = answer_without_linkage_error(study, protocol, questions, choice)
    lap("estimate")
    rows = []
    for each in effects_of(answers, protocol, uncorrected=naive, unadjusted=naive):
        true = planted[each.question.outcome, each.question.window]
        rows.append(
            {
                "outcome": each.question.outcome,
                "window": each.question.window,
                "planted_without": true["base"],
                "found_without": each.comparison.value,
                "planted": true["difference"],
                "found": each.difference.value,
                "low": each.difference.low,
                "high": each.difference.high,
                "uncorrected": each.uncorrected.value,
                "planted_relative": true["relative"],
                "found_relative": each.relative.value,
                "holds": each.difference.low <= true["difference"] <= each.difference.high,
                "verdict": each.verdict.word.value,
            }
        )
    return {
        "people": study.units,
        "families": len(np.unique(study.family)),
        "draws": draws,
        "effects": rows,
        "held": sum(each["holds"] for each in rows),
        "links": quality,
        "seconds": laps,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--families", type=int, default=286_000)
    parser.add_argument("--draws", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = given.folder or Path(scratch)
        if given.folder is None:
            from families_first.simulation.national import write_national

            write_national(place, people=given.people, programme_families=given.families)
        print(json.dumps(measure(place, draws=given.draws), indent=1))
