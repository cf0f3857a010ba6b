"""The whole of it: the homes, their checks, the evidence, the page."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from families_first.assurance.basis import basis_of
from families_first.assurance.bench import bench_for
from families_first.assurance.checks import CHECKS
from families_first.assurance.evidence import Evidence, earlier_proofs, keep_evidence, weigh
from families_first.assurance.page import render_page
from families_first.assurance.running import run_checks
from families_first.assurance.verdicts import Verdict
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.policy import Resource
from families_first.governance.promises import promise_register
from families_first.governance.zone_file import ZONE_FILE
from families_first.simulation.homes import MadeUpHomes, make_homes, places_of_homes

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Assurance:
    """What was found: how each promise stands, the page that says so, and the folder of the home that keeps
    both."""

    evidence: Evidence
    page: str
    kept: Path


def assure(
    desk: Desk,
    homes: Sequence[Home],
    *,
    only: Iterable[str] = (),
    made_up: bool = False,
    said: Said = lambda step: None,
) -> Assurance:
    """Run the checks on some homes, and keep the evidence in the home of the desk, signed by it.

    Parameters
    ----------
    desk
        Who runs them, in one of the homes.
    homes
        The homes to examine.
    only
        Names of checks; all of them when empty. Of the others the last proof counts, as long as it is fresh
        and what it rests on is as it was.
    made_up
        Whether the homes are made up.
    said
        Told each step.

    Raises
    ------
    UserError
        REFUSED, when the person may not; NOT_FOUND, when there is no such check; AUDIT, when it cannot be
        logged. What a check meets is told by its verdict and never raised.
    """
    wanted = _wanted(only)
    home = desk.home
    with desk.act("run-assurance", Resource("Assurance", home.name), details={"checks": len(wanted)}) as act:
        proofs = earlier_proofs(home)
        with bench_for(homes, clock=desk.clock) as bench:
            proofs |= run_checks([CHECKS[name] for name in wanted], bench, said=said)
        register = promise_register()
        of = home.organisation if len(homes) == 1 else f"{home.organisation}, and the homes beside it"
        evidence = weigh(register, proofs, of=of, at=desk.clock(), now=basis_of(homes))
        page = render_page(register, evidence, made_up=made_up)
        kept = keep_evidence(home, evidence, page)
        act.note(**{each.name.lower(): evidence.count(each) for each in Verdict})
    return Assurance(evidence, page, kept)


def _wanted(only: Iterable[str]) -> list[str]:
    named = list(dict.fromkeys(only))
    unknown = [name for name in named if name not in CHECKS]
    if unknown:
        raise UserError(
            f"There is no check {', '.join(unknown)}",
            fix=f"Choose among: {', '.join(CHECKS)}.",
            code=ExitCode.NOT_FOUND,
        )
    return named or list(CHECKS)


def homes_of_demo(folder: Path) -> tuple[Home, ...]:
    """Return the made-up homes of a demo, the council's first and the data owners' last; they are made where
    there is none.

    Raises
    ------
    UserError
        HOME, when some of them are there and others are not.
    """
    places = places_of_homes(folder)
    if not any((place / ZONE_FILE).is_file() for place in places):
        return make_homes(folder, seed=1).each()
    return MadeUpHomes.in_folder(folder).each()
