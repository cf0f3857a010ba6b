"""The researchers' commands of ``families-first study``: extract and ask.

Nothing that they print is of one person: counts of groups, shares, serials and hashes.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.governance.desk import Desk
    from families_first.research.asking import Answer
    from families_first.research.extract.design_facts import DesignFacts
    from families_first.research.extract.info import ExtractInfo
    from families_first.research.extract.opening import StudyOpened

_PURPOSE = "research"


def extract(
    protocol: str,
    /,
    *,
    parcels: Annotated[
        list[Path] | None,
        Parameter(
            help="The parcels of the linker and the owners, or a folder of them; the home's inbox when not "
            "given.",
            negative="",
        ),
    ] = None,
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> int:
    """Open what has come for a study, and build the extract that its sealed protocol names.

    Outcomes are added once their release was taken in; run it again then. The smallest effect that would be
    seen is told in any case, from what was known before outcomes began.

    Parameters
    ----------
    protocol
        The id of a sealed protocol, or its file, which must then be the one that was sealed.
    """
    from families_first.cli.progress import progress
    from families_first.errors import UserError
    from families_first.governance.policy import Resource
    from families_first.research.extract.building import build_extract, open_outcomes
    from families_first.research.extract.design_facts import design_facts
    from families_first.research.extract.loading import ANALYSING, RESOURCE
    from families_first.research.extract.opening import open_study_parcels

    desk = desk_at(home, as_, _PURPOSE)
    protocol_id = _protocol_id(desk, protocol)
    opened = built = design = outcomes = error = None
    why_not = ""
    with progress("Opening") as steps:
        paths = _parcels(desk, parcels)
        if paths:
            opened = open_study_parcels(desk, paths, said=steps.describe)
        try:
            built = build_extract(desk, protocol_id, said=steps.describe)
            with desk.act(ANALYSING, Resource(RESOURCE, protocol_id), agreement_in_force=True) as act:
                design = design_facts(act, protocol_id)
            why_not = _why_no_outcomes(desk, protocol_id)
            if not why_not:
                outcomes = open_outcomes(desk, protocol_id, said=steps.describe)
        except UserError as found:
            if opened is None:
                raise
            error = found  # what became of the parcels is told first: it may be why
    emit(
        {
            "opened": opened and _opened_as_json(opened),
            "extract": built,
            "outcomes": outcomes,
            "why_no_outcomes": why_not or None,
            "design": design,
            "error": error and error.as_dict(),
        },
        json=json,
        show=[
            *(_told_of_parcels(opened) if opened else ()),
            *(_told_of_extract(built) if built else ()),
            *(_told_of_design(design) if design else ()),
            *([f"Added the outcomes: SHA-256 {outcomes.sha256}."] if outcomes else ()),
            *([f"Without outcomes: {why_not}"] if why_not else ()),
            *([f"Error: {error.what}", f"To do: {error.fix}"] if error else ()),
        ],
    )
    refused = opened.refused if opened else ()
    codes = [each.code for each in (error, *(parcel.error for parcel in refused)) if each]
    return int(codes[0]) if codes else 0


def ask(
    protocol: str,
    /,
    *,
    by: Annotated[
        list[str] | None,
        Parameter(help="A field that makes groups, or `arm`; up to three.", negative=""),
    ] = None,
    mean: Annotated[str, Parameter(help="The id of a variable of which to tell the mean.")] = "",
    home: HomeOption = HERE,
    as_: AsOption = "",
    json: JsonOption = False,
) -> None:
    """Ask a study's extract how many people there are, or for the mean of a variable, by up to three fields.

    Groups of fewer than ten people or five families are never shown, and counts are rounded to 5. Each
    question is logged, and the sealed protocol says how many a day may bring.

    Parameters
    ----------
    protocol
        The id of the sealed protocol.
    """
    from families_first.research.asking import Question
    from families_first.research.asking import ask as answer_to

    question = Question(by=tuple(by or ()), mean_of=mean)
    answer = answer_to(desk_at(home, as_, _PURPOSE), protocol, question)
    emit(
        {
            "by": question.by,
            "mean_of": mean or None,
            "cells": answer.cells,
            "hidden": answer.hidden,
            "total": answer.total,
            "asked_today": answer.asked_today,
            "limit": answer.limit,
            "provenance": answer.provenance,
        },
        json=json,
        show=_told(answer),
    )


def _protocol_id(desk: "Desk", protocol: str) -> str:
    from families_first.research.protocol.sealing import check_sealed

    if protocol.endswith(".toml"):
        return check_sealed(desk, Path(protocol)).text.protocol.id
    return protocol


def _parcels(desk: "Desk", given: list[Path] | None) -> list[Path]:
    from families_first.governance.parcels.container import PARCEL_SUFFIX

    folders = given if given is not None else [desk.home.inbox]
    found: list[Path] = []
    for each in folders:
        found += sorted(each.glob(f"*{PARCEL_SUFFIX}")) if each.is_dir() else [each]
    return found


def _why_no_outcomes(desk: "Desk", protocol_id: str) -> str:
    """Return what stands in the way of the outcomes; empty when they can be added."""
    from families_first.research.extract.building import outcomes_missing

    missing = outcomes_missing(desk, protocol_id)
    if not missing:
        return ""
    return (
        f"the {', the '.join(missing)} are locked. Ask for their release with `families-first study "
        "request-release`, take it in, and run this again."
    )


def _opened_as_json(opened: "StudyOpened") -> dict[str, Any]:
    return {
        "project": opened.project,
        "row_keys_gone": opened.row_keys_gone,
        "parcels": [
            {
                "serial": each.serial,
                "owner": each.owner,
                "section": each.section,
                "part": each.part,
                "became": each.became,
                "why": each.why or None,
                "rows": each.payload.rows if each.payload else None,
                "kept": each.payload.kept if each.payload else None,
                "dropped": each.payload.dropped if each.payload else None,
                "silent": each.payload.silent if each.payload else None,
                "people": each.spine.people if each.spine else None,
                "error": each.error.as_dict() if each.error else None,
            }
            for each in opened.verdicts
        ],
    }


def _told_of_parcels(opened: "StudyOpened") -> list[str | Sheet]:
    return [
        Sheet(
            ["From", "Holds", "Part", "Became", "Rows", "Kept", "Of nobody here", "Why"],
            [
                [
                    each.owner,
                    each.section,
                    each.part,
                    each.became.value,
                    each.payload.rows if each.payload else None,
                    each.payload.kept if each.payload else None,
                    each.payload.dropped if each.payload else None,
                    each.why,
                ]
                for each in opened.verdicts
            ],
        ),
        "Row keys are destroyed in the vault: what is kept joins to nothing outside any more. The parcels "
        "that were opened still hold them, and this home's receiving key opens them: delete their files, in "
        "the inbox and wherever copies lie."
        if opened.row_keys_gone
        else "Row keys are kept until every parcel of every owner has been opened.",
    ]


def _told_of_extract(info: "ExtractInfo") -> list[str | Sheet]:
    shown: list[str | Sheet] = [
        Sheet(
            ["People of the study", "People", "Families", "Taking part", "Assessed only"],
            [[each.label, each.people, each.families, each.treated, each.comparison] for each in info.flow],
        ),
        Sheet(
            ["Owner", "Candidate links", "Records", "People", "Expected to hold"],
            [[each.owner, each.candidates, each.records, each.people, each.expected] for each in info.owners],
        ),
    ]
    if info.before and info.after:
        shown.append(
            Sheet(
                ["How people could be made out", "Before", "After coarsening"],
                [
                    ["fewest people who share a combination (k)", info.before.k, info.after.k],
                    ["fewest values of a sensitive field among them (l)", info.before.l, info.after.l],
                    ["people with a combination alone", info.before.alone, info.after.alone],
                    ["combinations", info.before.combinations, info.after.combinations],
                    ["families like no other", info.before.families_alone, info.after.families_alone],
                ],
            )
        )
        shown.append(f"Fields of {counted(info.hidden, 'person', 'people')} are hidden, in part or all.")
    return [*shown, *(f"Note: {each}" for each in info.remarks), f"Built the extract: SHA-256 {info.sha256}."]


def _told_of_design(design: "DesignFacts") -> list[str | Sheet]:
    return [
        Sheet(
            ["Outcome", "Taking part", "Assessed only", "Expected without", "Smallest effect seen"],
            [
                [
                    each.label,
                    each.treated,
                    each.comparison,
                    each.detectable.base if each.detectable else None,
                    f"{each.detectable.difference:.4f} ({each.detectable.relative:.0%})"
                    if each.detectable
                    else "no rate planned",
                ]
                for each in design.outcomes
            ],
            title="What the study could find, told before outcomes open",
        )
    ]


def _told(answer: "Answer") -> list[str | Sheet]:
    fields = list(answer.question.by) or ["everybody"]
    return [
        Sheet(
            [*fields, "People", *([f"Mean of {answer.question.mean_of}"] if answer.question.mean_of else [])],
            [
                [
                    *(each.labels or ("everybody",)),
                    "hidden" if each.people is None else each.people,
                    *([each.mean] if answer.question.mean_of else []),
                ]
                for each in answer.cells
            ],
        ),
        f"{counted(answer.total, 'person', 'people')} in the groups shown; "
        f"{counted(answer.hidden, 'group')} hidden, because few people or families are in them or another "
        "would give them away.",
        f"Question {answer.asked_today} of {answer.limit} today; it is in the audit log.",
    ]
