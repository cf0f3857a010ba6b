"""The demo: a made-up county, its agencies' files, a council's run over them, and the truth beside it."""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from time import perf_counter
from typing import Any

from families_first.council.against_truth.correspondence import true_people
from families_first.council.against_truth.family_quality import FamilyQuality, family_quality
from families_first.council.against_truth.match_quality import MatchQuality, match_quality
from families_first.council.against_truth.nominations import NominationQuality, Outcome, nomination_quality
from families_first.council.against_truth.truth import identify_truth, load_truth
from families_first.council.identification.pack import Pack
from families_first.council.journey import Journey, Said, pack_named, run_journey
from families_first.council.looking import Look, look_at_families
from families_first.council.pages.report import figures_of
from families_first.council.resources import RECORDS
from families_first.governance.desk import Desk
from families_first.governance.purposes import Purpose
from families_first.governance.vault import Vault
from families_first.simulation import REFERENCE_DAY, simulate_county
from families_first.simulation.broken import write_broken_extracts
from families_first.simulation.extracts import write_extracts, write_truth
from families_first.simulation.homes import OWNERS_FOLDER, MadeUpHomes, make_homes, places_of_homes
from families_first.simulation.study_homes import CUSTODIANS, REPORT, STUDY

DEMO_PACK = "exampleshire-2026"
DATA_LEAD = "data-lead"
COUNTY = "county"  # the folder that holds the truth


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo made: the desk of the council's data lead, the run, the comparison with the truth, who
    was let in at the door of a family, and seconds by step."""

    desk: Desk
    pack: Pack
    journey: Journey
    matching: MatchQuality
    families: FamilyQuality
    nominations: NominationQuality
    looks: tuple[Look, ...]
    seconds: dict[str, float]

    def summary(self) -> dict[str, Any]:
        """Return every figure of the demo, as ``summary.json`` holds them."""
        matching, nominations = self.matching.overall, self.nominations
        return {
            "made_up": True,
            "on": self.journey.on.isoformat(),
            "pack": self.pack.id,
            "figures": asdict(figures_of(self.journey)),
            "files": [
                {
                    "file": landing.file,
                    "landed": landing.landed,
                    "rows": landing.report.rows if landing.report else None,
                    "quarantined": landing.report.quarantined_rows if landing.report else None,
                    "refused": landing.refusal.what if landing.refusal else None,
                }
                for landing in self.journey.landings
            ],
            "matching": {
                "pairs": _scores(matching.pairs),
                "clusters": _scores(matching.clusters),
                "b_cubed": _scores(matching.b_cubed),
                "largest": matching.largest,
                "widest_gap_in_recall": self.matching.widest_gap(),
                "recall_by_group": {
                    kind: {each.group: each.recall.share for each in scores}
                    for kind, scores in self.matching.groups.items()
                },
            },
            "families": {
                "pairs": self.families.found,
                "precision": self.families.precision,
                "recall": self.families.recall,
                "recall_of_any": self.families.recall_of_any,
            },
            "nominations": {
                "found": nominations.found,
                "true": nominations.true,
                "precision": nominations.precision,
                "recall": nominations.recall,
                "missed_because": dict(Counter(each.main_cause for each in nominations.missed)),
                "wrong_because": dict(Counter(each.main_cause for each in nominations.wrong)),
            },
            "looks": [asdict(each) for each in self.looks],
            "seconds": {step: round(seconds, 1) for step, seconds in self.seconds.items()},
        }


def make_demo(folder: Path, *, people: int, seed: int, said: Said = lambda step: None) -> Demo:
    """Make the county, run the council's job over its files, and compare the outcome with the truth.

    Parameters
    ----------
    folder
        Is made anew: what an earlier demo left in it is removed.
    people, seed
        Size of the county; the same seed gives the same demo.
    """
    clock = _Clock(said)
    home = make_county(folder, people=people, seed=seed, said=clock).council
    desk = Desk.of(home, DATA_LEAD, Purpose.IDENTIFY_AND_SUPPORT)
    pack = pack_named(home, DEMO_PACK)
    journey = run_journey(desk, on=REFERENCE_DAY, pack=pack, said=clock)
    clock("Comparing with the truth")
    truth = load_truth(folder / COUNTY)
    with desk.act("list-families", RECORDS, details={"page": "demo"}) as act:
        assignment = Vault(act).read(journey.people.dataset, "assignment")
    outcome = Outcome(assignment, journey.families, journey.identification, journey.tables)
    found = journey.identification.nomination["family_id"].to_pylist()
    everyone = [*found, *journey.families.family["family_id"].to_pylist()]  # a small county may nominate none
    demo = Demo(
        desk=desk,
        pack=pack,
        journey=journey,
        matching=match_quality(assignment, truth, on=REFERENCE_DAY),
        families=family_quality(
            journey.families.membership,
            truth,
            true_people(assignment, truth.record),
            on=REFERENCE_DAY,
        ),
        nominations=nomination_quality(outcome, truth, identify_truth(truth, pack, on=REFERENCE_DAY)),
        looks=look_at_families(home, everyone[0], next(each for each in everyone if each != everyone[0])),
        seconds=clock.seconds,
    )
    clock.stop()
    return demo


def make_county(folder: Path, *, people: int, seed: int, said: Said = lambda step: None) -> MadeUpHomes:
    """Make the county, its homes, and the files its agencies send, in the council's inbox.

    Parameters are those of :func:`make_demo`.
    """
    county_folder, homes = _fresh(folder, seed)
    inbox = homes.council.inbox
    said("Making the county")
    county = simulate_county(people=people, seed=seed, as_of=REFERENCE_DAY)
    said("Writing the agencies' files")
    extracts = write_extracts(county, inbox)
    write_broken_extracts(inbox, inbox)
    write_truth(county, county_folder, extracts)
    return homes


def _fresh(folder: Path, seed: int) -> tuple[Path, MadeUpHomes]:
    for place in (
        *(folder / part for part in (COUNTY, CUSTODIANS, "witnesses", OWNERS_FOLDER, STUDY, REPORT)),
        *places_of_homes(folder),
    ):
        shutil.rmtree(place, ignore_errors=True)
    county = folder / COUNTY
    county.mkdir(parents=True)
    homes = make_homes(folder, seed=seed, custodians=folder / CUSTODIANS)
    home = homes.council
    shipped = resources.files("families_first.simulation") / "exampleshire"
    for kind, place in (("mappings", home.mappings), ("agreements", home.agreements)):
        with resources.as_file(shipped / kind) as source:
            shutil.copytree(source, place, dirs_exist_ok=True)
    return county, homes


def _scores(score: Any) -> dict[str, float]:
    return {"precision": score.precision, "recall": score.recall, "f1": score.f1}


class _Clock:
    """Tells each step as it begins, and keeps how long each took."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self.seconds: dict[str, float] = {}
        self._said = said
        self._step = ""
        self._began = perf_counter()

    def __call__(self, step: str) -> None:
        self.stop()
        self._step = "Landing the deliveries" if step.startswith("Landing") else step
        self._began = perf_counter()
        self._said(step)

    def stop(self) -> None:
        """End the step that is running."""
        if self._step:
            spent = perf_counter() - self._began
            self.seconds[self._step] = self.seconds.get(self._step, 0.0) + spent
        self._step = ""
