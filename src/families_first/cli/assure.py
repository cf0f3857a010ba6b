"""``families-first assure``: try to break every promise of the public notice, and show what holds."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from families_first.assurance.verdicts import NEXT, Verdict
from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit
from families_first.cli.progress import progress
from families_first.errors import ExitCode

if TYPE_CHECKING:
    from families_first.assurance.evidence import Evidence


def assure(
    *,
    home: HomeOption = HERE,
    demo: Annotated[
        Path | None,
        Parameter(
            name="--demo",
            help="The folder of a demo with its made-up homes; they are made where there is none.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        Parameter(
            name="--out", help="Where the page and the JSON go besides the home's own assurance/ folder."
        ),
    ] = None,
    only: Annotated[
        tuple[str, ...],
        Parameter(name="--only", help="Run this check alone; may be given several times.", negative=""),
    ] = (),
    as_: AsOption = "",
    json: JsonOption = False,
) -> int:
    """Try to break every promise of the notice, and write the page that shows what holds.

    Checks that would do harm work on copies and on made-up homes. The evidence is kept in the home's
    `assurance/`, signed by the home. Leaves with 22 when a promise is broken, out of date, or cannot be
    told; a promise of which a part is not built yet is told, and is no failure.
    """
    from families_first.assurance.assuring import assure as run
    from families_first.assurance.assuring import homes_of_demo
    from families_first.assurance.checks import CHECKS
    from families_first.assurance.evidence import PAGE_FILE, write_pages
    from families_first.simulation.homes import DATA_PROTECTION_OFFICER

    with progress("Trying to break every promise", total=len(only) or len(CHECKS)) as steps:

        def said(step: str) -> None:
            steps.describe(step)
            steps.advance()

        if demo is None:
            desk = desk_at(home, as_, "protect-data")
            found = run(desk, [desk.home], only=only, said=said)
        else:
            homes = homes_of_demo(demo)
            desk = desk_at(homes[0].root, as_ or DATA_PROTECTION_OFFICER, "protect-data")
            found = run(desk, homes, only=only, made_up=True, said=said)
            out = out or demo
    evidence = found.evidence
    if out is not None:
        write_pages(out, evidence, found.page)
    shown = about(evidence, only)
    emit(
        evidence.as_document(),
        json=json,
        show=[
            Sheet(["Promise", "Check", "Verdict", "Tried", "Seconds"], rows(shown)),
            *_attacks(shown),
            *_to_know(shown),
            "",
            f"The page: {(out or found.kept).name}/{PAGE_FILE}. It counts until "
            f"{evidence.counts_until:%d %B %Y}.",
            *_left_out(evidence, shown),
            last_line(evidence),
        ],
    )
    return ExitCode.PROMISE if evidence.red else ExitCode.OK


def about(evidence: "Evidence", checks: tuple[str, ...]) -> "Evidence":
    """Return the evidence of the promises to which some checks belong; of all when none is named."""
    found = (each for each in evidence.standings if not checks or set(checks) & set(each.promise.checks))
    return replace(evidence, standings=tuple(found))


def rows(evidence: "Evidence") -> list[list[object]]:
    """Return a row for each promise, and beneath it one for each of its checks."""
    rows: list[list[object]] = []
    for each in evidence.standings:
        rows.append([each.promise.id, "", each.words, "", None])
        for shown in each.checks:
            proof = shown.proof
            tried = f"{proof.counted}, {len(proof.breaches)} got through" if proof else ""
            if shown.verdict is Verdict.OUT_OF_DATE:
                tried = shown.why
            rows.append(["", shown.check, shown.verdict.value, tried, proof.seconds if proof else None])
    return rows


def _attacks(evidence: "Evidence") -> list[Sheet]:
    found: list[list[object]] = [
        [attack.who, attack.what, attack.times, attack.through]
        for proof in evidence.proofs
        for attack in proof.attacks
    ]
    title = "Attacks on a study of made-up people"
    return [Sheet(["Who", "Tried to", "Times", "Got through"], found, title=title)] if found else []


def _to_know(evidence: "Evidence") -> list[str]:
    lines = []
    for proof in evidence.proofs:
        lines += [f"Got through: {proof.check}: {breach}" for breach in proof.breaches]
        lines += [f"To know: {proof.check}: {note}" for note in proof.notes]
        lines += [f"What to do next: {proof.check}: {NEXT[proof.verdict]}"] if proof.verdict in NEXT else []
    return ["", *lines] if lines else []


def _left_out(evidence: "Evidence", shown: "Evidence") -> list[str]:
    left = len(evidence.standings) - len(shown.standings)
    return [f"The page alone tells of {counted(left, 'other promise')}."] if left else []


def standings(evidence: "Evidence") -> dict[str, str]:
    """Return how each promise stands, in words, by its id."""
    return {each.promise.id: each.words for each in evidence.standings}


def last_line(evidence: "Evidence") -> str:
    """Return what it comes to, in one sentence."""
    missing = evidence.count(Verdict.MISSING)
    lack = "lacks" if missing == 1 else "lack"
    gaps = f"; {counted(missing, 'promise')} {lack} a check that is not built yet" if missing else ""
    if evidence.red:
        needs = "needs" if len(evidence.red) == 1 else "need"
        red = counted(len(evidence.red), "promise")
        return f"{red} of {len(evidence.standings)} {needs} somebody to act now{gaps}."
    return f"No attempt to break a promise got through{gaps}."
