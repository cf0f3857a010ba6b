"""Do the intervals hold the truth? Over made-up counties with planted effects and real linkage error.

``python benchmarks/interval_coverage.py [--counties 200] [--families 4000] [--workers 2] [--identifiers
poor|usual] [--out FILE]``. Each county is simulated, its owners' registers are linked by the program's own
matching, and the study is estimated over draws of the links, as the shipped protocol plans. Prints, for
every outcome in its first window, how often the 95 % interval held the planted effect, the bias with and
without the correction for linkage error, and how often an effect was called. ``--out`` keeps one line a
county and goes on where it stopped.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

DRAWS = 10
PEOPLE_PER_FAMILY = 10
FIRST_SEED = 20_000
LOW, HIGH = 0.92, 0.98
MOST_FALSE_FINDINGS = 0.06
NO_EFFECT, HARM = "adult-convictions", "protection-plans"


def one_county(seed: int, families: int, identifiers: str) -> dict[str, object]:
    """Return for one county and each outcome in each window: planted, found, error, interval, uncorrected,
    verdict.
    """
    from benchmarks.study_in_memory import link_owners, study_data

    from families_first.research.analysis.adjusting import Choice
    from families_first.research.analysis.drawing import answer_over_draws, answer_without_linkage_error
    from families_first.research.analysis.effects import effects_of
    from families_first.research.analysis.questions import questions_of
    from families_first.research.evaluation.one_thread import one_thread
    from families_first.research.protocol import read_protocol
    from families_first.simulation.exampleshire import study_protocol
    from families_first.simulation.national import simulate_national

    protocol = read_protocol(study_protocol().read_bytes(), file_name=study_protocol().name).protocol
    made = simulate_national(
        people=families * PEOPLE_PER_FAMILY, programme_families=families, seed=seed, plan=plan_of(identifiers)
    )
    links = link_owners(made)
    study = study_data(made, links, protocol)
    planted = {
        (each["outcome"], each["window"]): each["difference"]
        for each in made.truth.effects.to_pylist()
        if each["field"] == "all"
    }
    questions = [each for each in questions_of(protocol, study) if not each.field and not each.is_placebo]
    choice = Choice.of(protocol)
    with one_thread():
        answers = answer_over_draws(study, protocol, questions, choice, draws=DRAWS)
        naive = answer_without_linkage_error(study, protocol, questions, choice)
    rows = []
    for each in effects_of(answers, protocol, uncorrected=naive, unadjusted=naive):
        rows.append(
            {
                "variable": each.question.variable,
                "planted": planted[each.question.outcome, each.question.window],
                "found": each.difference.value,
                "low": each.difference.low,
                "high": each.difference.high,
                "error": each.error,
                "uncorrected": each.uncorrected.value,
                "uncorrected_low": each.uncorrected.low,
                "uncorrected_high": each.uncorrected.high,
                "linkage_share": each.linkage_share,
                "verdict": each.verdict.word.value,
            }
        )
    return {"seed": seed, "rows": rows}


def plan_of(identifiers: str):  # type: ignore[no-untyped-def]
    """Return the usual plan, or one in which the council knows few numbers, and fewer of those only
    assessed.
    """
    from families_first.simulation.error_model import SourceQuality
    from families_first.simulation.national import StudyPlan

    plan = StudyPlan()
    if identifiers == "usual":
        return plan
    poor = {
        **plan.errors.by_source,
        "council-participating": SourceQuality(
            names=1.2, birth_dates=1.2, middle_name=0.2, nino=0.30, upn=0.35
        ),
        "council-assessed": SourceQuality(
            names=2.0, birth_dates=2.0, addresses=1.6, middle_name=0.1, nino=0.10, upn=0.15
        ),
    }
    errors = replace(plan.errors, by_source=poor, stale_address=0.25)
    return replace(plan, errors=errors)


def measure(
    *, counties: int, families: int, workers: int, identifiers: str, out: Path | None
) -> dict[str, object]:
    """Run the counties and sum up."""
    done = list(_read(out))
    wanted = [FIRST_SEED + number for number in range(counties)]
    left = [seed for seed in wanted if seed not in {each["seed"] for each in done}]
    with ProcessPoolExecutor(workers) as pool:
        waiting = [pool.submit(one_county, seed, families, identifiers) for seed in left]
        for number, future in enumerate(as_completed(waiting), 1):
            found = future.result()
            done.append(found)
            if out is not None:
                with out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(found) + "\n")
            print(f"{number} of {len(left)} counties", file=sys.stderr, flush=True)
    return {"families": families, "identifiers": identifiers, "draws": DRAWS, **summarise(done)}


def summarise(counties: list[dict]) -> dict[str, object]:
    """Return coverage, bias and findings by outcome and window."""
    by_variable: dict[str, list[dict]] = {}
    for county in counties:
        for row in county["rows"]:
            by_variable.setdefault(row["variable"], []).append(row)
    table = []
    for variable, rows in by_variable.items():
        known = [each for each in rows if np.isfinite(each["found"])]
        held = [each["low"] <= each["planted"] <= each["high"] for each in known]
        apart = np.array([each["found"] - each["planted"] for each in known])
        naive = np.array([each["uncorrected"] - each["planted"] for each in known])
        table.append(
            {
                "variable": variable,
                "planted": float(np.mean([each["planted"] for each in known])),
                "counties": len(known),
                "coverage": float(np.mean(held)),
                "coverage_uncorrected": float(
                    np.mean([e["uncorrected_low"] <= e["planted"] <= e["uncorrected_high"] for e in known])
                ),
                "bias": float(apart.mean()),
                "bias_uncorrected": float(naive.mean()),
                "bias_error": float(apart.std(ddof=1) / np.sqrt(len(apart)))
                if len(apart) > 1
                else float("nan"),
                "spread": float(apart.std(ddof=1)) if len(apart) > 1 else float("nan"),
                "error": float(np.mean([each["error"] for each in known])),
                "linkage_share": float(np.mean([each["linkage_share"] for each in known])),
                "interval_without_none": float(
                    np.mean([not each["low"] <= 0 <= each["high"] for each in known])
                ),
                "called": {
                    word: sum(each["verdict"] == word for each in rows)
                    for word in ("benefit", "harm", "no detectable effect", "cannot say")
                },
            }
        )
    return {"counties": len(counties), "outcomes": table}


def told(summary: dict) -> Iterator[str]:
    """Yield the table as lines of text, percentage points."""
    yield f"{summary['counties']} counties"
    yield (
        f"{'outcome':40s}{'planted':>9s}{'coverage':>9s}{'naive':>7s}{'bias':>8s}{'naive':>8s}{'+-':>7s}"
        f"{'se':>7s}{'sd':>7s}{'off 0':>7s}"
    )
    for each in summary["outcomes"]:
        yield (
            f"{each['variable']:40s}{100 * each['planted']:9.3f}{each['coverage']:9.3f}"
            f"{each['coverage_uncorrected']:7.3f}{100 * each['bias']:8.3f}"
            f"{100 * each['bias_uncorrected']:8.3f}"
            f"{100 * each['bias_error']:7.3f}{100 * each['error']:7.3f}{100 * each['spread']:7.3f}"
            f"{each['interval_without_none']:7.3f}"
        )


def _read(out: Path | None) -> Iterator[dict]:
    if out is not None and out.is_file():
        for line in out.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counties", type=int, default=200)
    parser.add_argument("--families", type=int, default=4_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--identifiers", choices=["poor", "usual"], default="poor")
    parser.add_argument("--out", type=Path, default=None)
    given = parser.parse_args()
    result = measure(
        counties=given.counties,
        families=given.families,
        workers=given.workers,
        identifiers=given.identifiers,
        out=given.out,
    )
    print("\n".join(told(result)), file=sys.stderr)
    print(json.dumps(result, indent=1))
