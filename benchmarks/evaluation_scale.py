"""A whole evaluation of a million people on one thread: twelve outcomes in four windows, links drawn again
and again.

The data are made by numpy: 30 covariates (ten of them behind uncertain links), families, six owners with a
candidate link or two for each person. Reported are CPU and wall seconds of the estimation over all draws
with what is shown beside it, and the largest memory of the process. ``--whole`` adds the specification
curve and the other looks. Prints one JSON document. ``python benchmarks/evaluation_scale.py [--people N]
[--draws N] [--whole]``
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np

from families_first.research.analysis.findings import find
from families_first.research.analysis.running import analyse
from families_first.research.protocol import StudyProtocol, read_protocol
from families_first.research.study_data import Categories, OwnerLinks, Provenance, StudyData

OUTCOMES, COVARIATES, LINKED, OWNERS = 12, 30, 10, 6
WINDOWS = {"year-1": (1, 4), "year-2": (5, 8), "late": (7, 8), "both": (1, 8)}
UNCERTAIN = 0.15  # of people, who have two candidates
ALLOWED_SECONDS, ALLOWED_GIB = 300, 6


def protocol_of(draws: int) -> StudyProtocol:
    """Return a protocol of twelve outcomes, two of them primary, in four windows, with thirty covariates."""
    parts = [
        """id = "scale"
title = "A million people"
version = 1
project = "scale"
question = "How long does it take?"
made_up = true
[population]
describes = "made-up people"
[comparison]
describes = "others"
[exposure]
describes = "nothing"
[follow_up]
quarters = 8
history = 8
records_from = 2022-01-01
records_until = 2025-12-31
[design]
estimand = "The effect on those who took part"
assignment = "By need"
assumptions = ["Need is all"]
[method]
others = ["inverse-probability"]
[missing]
method = "complete"
[data]
family = "family"
treated = "treated"
[data.fields]
role = "role"
district = "district"
[[subgroups]]
id = "by-district"
field = "district"
"""
    ]
    parts.append(f"[linkage]\nimputations = {draws}\nseed = 1\n")
    parts += [
        f'[windows.{name}]\nquarters = [{first}, {last}]\nlabel = "{name}"\n'
        for name, (first, last) in WINDOWS.items()
    ]
    names = ", ".join(f'"{name}"' for name in WINDOWS)
    parts += [
        f'[[outcomes]]\nid = "outcome-{k}"\nlabel = "Outcome {k}"\nbetter = "lower"\nwindows = [{names}]\n'
        f'primary = {"true" if k < 2 else "false"}\nwho = "{_of_whom(k)}"\n'
        for k in range(OUTCOMES)
    ]
    parts += [f'[[covariates]]\nid = "covariate-{k}"\n' for k in range(COVARIATES)]
    return read_protocol("\n".join(parts).encode(), file_name="scale.toml").protocol


def make_study(people: int, *, seed: int = 1) -> StudyData:
    """Return a study of so many people in families of four."""
    rng = np.random.default_rng(seed)
    family = np.arange(people) // 4
    families = int(family[-1]) + 1
    role = np.where(np.arange(people) % 2, "child", "adult")
    need = rng.normal(size=families)
    treated = (rng.random(families) < 1 / (1 + np.exp(-0.5 * need)))[family]
    certain = {f"covariate-{k}": rng.normal(size=people) for k in range(COVARIATES - LINKED)}
    certain["covariate-0"] = need[family]
    variables = [f"outcome-{k}@{window}" for k in range(OUTCOMES) for window in WINDOWS]
    owners = tuple(
        _owner(number, treated, need[family], variables[number::OWNERS], rng) for number in range(OWNERS)
    )
    asked = {"child": role == "child", "adult": role == "adult"}
    return StudyData(
        family=family,
        treated=treated,
        start=np.full(people, 2024 * 4),
        fields={
            "role": Categories.of(role),
            "district": Categories.of(np.asarray(["North", "South", "West"])[(family % 3)]),
        },
        certain=certain,
        certain_panels={},
        owners=owners,
        quarters=np.empty(0, dtype=np.int64),
        observed={
            name: asked[_of_whom(int(name.partition("@")[0].removeprefix("outcome-")))] for name in variables
        },
        provenance=Provenance("scale", 1, "", "", "", True, True),
    )


def _of_whom(outcome: int) -> str:
    return "child" if outcome % 2 else "adult"


def _owner(
    number: int, treated: np.ndarray, need: np.ndarray, variables: list[str], rng: np.random.Generator
) -> OwnerLinks:
    """Return an owner's links: a record a person, and for some the next one's record as a second
    candidate.
    """
    people = len(treated)
    everybody = np.arange(people)
    pairs = np.flatnonzero(rng.random(people // 2) < UNCERTAIN)
    unsure = np.concatenate([2 * pairs, 2 * pairs + 1])
    other = unsure ^ 1
    probability = np.full(people, 0.99)
    probability[unsure] = 0.8
    record = np.concatenate([everybody, other])
    values: dict[str, np.ndarray] = {}
    for name in variables:
        risk = np.clip(0.05 + 0.01 * need - 0.005 * treated, 0, 1)
        of_record = (rng.random(people) < risk).astype(np.float64)
        values[name] = of_record[record]
    for k in range(number, LINKED, OWNERS):
        values[f"covariate-{COVARIATES - LINKED + k}"] = rng.poisson(0.3, people).astype(np.float64)[record]
    return OwnerLinks(
        owner=f"owner-{number}",
        unit=np.concatenate([everybody, unsure]),
        record=record,
        probability=np.concatenate([probability, np.full(len(unsure), 0.15)]),
        values=values,
        absent=dict.fromkeys(values, 0.0),
        panels={},
    )


def main() -> None:
    """Make a study, evaluate it and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--whole", action="store_true", help="with all other looks")
    options = parser.parse_args()
    study, protocol = make_study(options.people), protocol_of(options.draws)
    made_gib = _peak_gib()
    wall, cpu = time.perf_counter(), time.process_time()
    analysis = find(study, protocol).analysis if options.whole else analyse(study, protocol)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        json.dumps(
            {
                "people": options.people,
                "families": analysis.treated_families + analysis.comparison_families,
                "covariates": COVARIATES,
                "effects": len(analysis.effects),
                "effects said": sum(bool(np.isfinite(each.difference.value)) for each in analysis.effects),
                "effects by group": len(analysis.by_group),
                "draws of the links": analysis.draws,
                "with the other looks": options.whole,
                "CPU seconds": round(cpu, 1),
                "wall seconds": round(wall, 1),
                "peak GiB": round(_peak_gib(), 2),
                "peak GiB of the data alone": round(made_gib, 2),
                "allowed": {"wall seconds": ALLOWED_SECONDS, "GiB": ALLOWED_GIB},
            },
            indent=2,
        )
    )


def _peak_gib() -> float:
    """Return the largest memory of this process so far; of the process alone, unlike ``ru_maxrss`` of a
    child.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(each for each in status.read_text("ascii").splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
