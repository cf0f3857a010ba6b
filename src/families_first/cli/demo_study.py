"""The demo's second half: a made-up study over the demo's homes, beside the effects that were planted."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from families_first.cli.evaluate import REPORT_FILE, write_draft
from families_first.cli.study_journey import Finished, Journey, finish_study
from families_first.cli.study_run import beside_truth, journey_as_json
from families_first.simulation.exampleshire import study_protocol
from families_first.simulation.homes import MadeUpHomes
from families_first.simulation.study_homes import REPORT, STUDY, write_study

_PEOPLE_PER_FAMILY = 10
"""In the registers, for each family of the programme: most people in national records are nobody of it."""


@dataclass(frozen=True, slots=True)
class MadeUpStudy:
    """What the study did and found: each effect ``beside_truth``; ``level`` is that of the protocol's
    intervals, ``report`` the draft's place in the demo.
    """

    finished: Finished
    beside_truth: list[dict[str, object]]
    seconds: float
    level: float
    report: str = f"{REPORT}/{REPORT_FILE}"

    @property
    def journey(self) -> Journey:
        """The steps that it took."""
        return self.finished.journey

    def summary(self) -> dict[str, Any]:
        """Return its figures, as ``summary.json`` holds them."""
        return {
            "made_up": True,
            **journey_as_json(self.journey),
            "effects": self.beside_truth,
            "effects_that_hold_the_truth": sum(bool(each["holds_truth"]) for each in self.beside_truth),
            "outputs_sealed": len(self.finished.evaluated.objects),
            "seconds": round(self.seconds, 1),
        }


def run_made_up_study(
    folder: Path, *, families: int, seed: int, said: Callable[[str], None] = lambda step: None
) -> MadeUpStudy:
    """Make owners' records with planted effects, and go the whole way to a report's draft in ``report/``.

    Parameters
    ----------
    folder
        A demo's, with its homes.
    families
        How many the programme assessed.
    """
    began = perf_counter()
    said("Making national records")
    truth = write_study(
        MadeUpHomes.in_folder(folder),
        folder / STUDY,
        people=families * _PEOPLE_PER_FAMILY,
        programme_families=families,
        seed=seed,
    )
    protocol = folder / STUDY / study_protocol().name
    protocol.write_bytes(study_protocol().read_bytes())
    finished = finish_study(folder, protocol, said=said)
    findings = finished.evaluated.findings
    write_draft(folder / REPORT, findings, finished.evaluated.objects)
    return MadeUpStudy(
        finished=finished,
        beside_truth=beside_truth(findings.analysis.effects, truth),
        seconds=perf_counter() - began,
        level=findings.analysis.protocol.multiplicity.level,
    )
