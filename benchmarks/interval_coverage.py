"""Do the intervals hold the truth? Over made-up counties with planted effects and real linkage error.

``python benchmarks/interval_coverage.py [--counties 200] [--families 4000] [--workers 2] [--identifiers
scant|poor|usual] [--out FILE]``. Each county is simulated, its owners' registers are linked by the program's
own matching, and the study is estimated over draws of the links, as the shipped protocol plans. Prints, for
every outcome and window, how often the 95 % interval held the planted effect, the bias with and without the
correction for linkage error, and how often an effect was called. ``naive`` takes the most probable links as
certain; ``cut`` takes links of 0.9 and more as certain and everybody else as a person without a record, as
is common. ``--out`` keeps one line a
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

from families_first.research.study_data import StudyData

DRAWS = 10
PEOPLE_PER_FAMILY = 10
FIRST_SEED = 20_000
LOW, HIGH = 0.92, 0.98
CUT = 0.9
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
        cut = answer_without_linkage_error(cut_links(study), protocol, questions, choice)
    rows = []
    # The place of the unadjusted effects holds those of the cut links.
    for each in effects_of(answers, protocol, uncorrected=naive, unadjusted=cut):
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
                "cut": each.unadjusted.value,
                "cut_low": each.unadjusted.low,
                "cut_high": each.unadjusted.high,
                "linkage_share": each.linkage_share,
                "verdict": each.verdict.word.value,
            }
        )
    return {"seed": seed, "families": families, "identifiers": identifiers, "rows": rows}


def cut_links(study: StudyData) -> StudyData:
    """Return the study as if links of 0.9 and more were certain, and nobody else had a record."""
    owners = []
    for each in study.owners:
        kept = each.probability >= CUT
        owners.append(
            replace(
                each,
                unit=each.unit[kept],
                record=each.record[kept],
                probability=np.ones(int(kept.sum())),
                values={name: values[kept] for name, values in each.values.items()},
                panels={name: rows[kept] for name, rows in each.panels.items()},
                absent={
                    name: float("nan") if each.measures.get(name) == "share" else 0.0 for name in each.absent
                },
            )
        )
    return replace(study, owners=tuple(owners))


def plan_of(identifiers: str):  # type: ignore[no-untyped-def]
    """Return the usual plan; ``poor``: the council knows few numbers, and fewer of those only assessed;
    ``scant``: no number in any register, and dates of birth and addresses often missing.
    """
    from families_first.simulation.error_model import SourceQuality
    from families_first.simulation.national import StudyPlan

    plan = StudyPlan()
    usual = plan.errors.by_source
    if identifiers == "poor":
        council = {
            "council-participating": SourceQuality(
                names=1.2, birth_dates=1.2, middle_name=0.2, nino=0.30, upn=0.35
            ),
            "council-assessed": SourceQuality(
                names=2.0, birth_dates=2.0, addresses=1.6, middle_name=0.1, nino=0.10, upn=0.15
            ),
        }
        return replace(plan, errors=replace(plan.errors, by_source={**usual, **council}, stale_address=0.25))
    if identifiers == "scant":
        errors = replace(
            plan.errors,
            by_source={name: _without_numbers(name, source) for name, source in usual.items()},
            stale_address=0.30,
            birth_date_missing=0.25,
            address_missing=0.10,
            postcode_missing=0.30,
            initial_only=0.05,
        )
        return replace(plan, errors=errors)
    return plan


def _without_numbers(name: str, source):  # type: ignore[no-untyped-def]
    worse = name == "council-assessed"
    return replace(
        source,
        names=source.names * (3.0 if worse else 1.5),
        birth_dates=source.birth_dates * (2.0 if worse else 1.0),
        addresses=source.addresses * (1.6 if worse else 1.0),
        middle_name=0.05,
        nino=0.0,
        upn=0.0,
        nhs_number=0.0,
        pnc=0.0,
    )


def measure(
    *, counties: int, families: int, workers: int, identifiers: str, out: Path | None
) -> dict[str, object]:
    """Run the counties and sum up."""
    wanted = [FIRST_SEED + number for number in range(counties)]
    done = [
        each
        for each in _read(out)
        if (each["families"], each["identifiers"]) == (families, identifiers) and each["seed"] in wanted
    ]
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


def held(rows: list[dict], which: str) -> float:
    """Return the share of intervals that held what was planted, of those that could be told."""
    told = [each for each in rows if np.isfinite(each[f"{which}low"])]
    return float(np.mean([each[f"{which}low"] <= each["planted"] <= each[f"{which}high"] for each in told]))


def summarise(counties: list[dict]) -> dict[str, object]:
    """Return coverage, bias and findings by outcome and window."""
    by_variable: dict[str, list[dict]] = {}
    for county in counties:
        for row in county["rows"]:
            by_variable.setdefault(row["variable"], []).append(row)
    table = []
    for variable, rows in by_variable.items():
        known = [each for each in rows if np.isfinite(each["found"])]
        apart = np.array([each["found"] - each["planted"] for each in known])
        naive = np.array([each["uncorrected"] - each["planted"] for each in known])
        cut = np.array([each["cut"] - each["planted"] for each in known])
        table.append(
            {
                "variable": variable,
                "planted": float(np.mean([each["planted"] for each in known])),
                "counties": len(known),
                "coverage": held(known, ""),
                "coverage_uncorrected": held(known, "uncorrected_"),
                "coverage_cut": held(known, "cut_"),
                "bias": float(apart.mean()),
                "bias_uncorrected": float(np.nanmean(naive)),
                "bias_cut": float(np.nanmean(cut)),
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
        f"{'outcome':36s}{'planted':>9s}{'coverage':>9s}{'naive':>7s}{'cut':>7s}{'bias':>8s}{'naive':>8s}"
        f"{'cut':>8s}{'+-':>7s}{'se':>7s}{'sd':>7s}{'off 0':>7s}"
    )
    for each in summary["outcomes"]:
        yield (
            f"{each['variable']:36s}{100 * each['planted']:9.3f}{each['coverage']:9.3f}"
            f"{each['coverage_uncorrected']:7.3f}{each['coverage_cut']:7.3f}{100 * each['bias']:8.3f}"
            f"{100 * each['bias_uncorrected']:8.3f}{100 * each['bias_cut']:8.3f}"
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
    parser.add_argument("--identifiers", choices=["scant", "poor", "usual"], default="poor")
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
