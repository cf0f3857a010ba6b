"""Answering: a question is judged, counted against the day's limit and logged; then only groups are told."""

from dataclasses import dataclass

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.event import Outcome
from families_first.governance.desk import Desk
from families_first.governance.policy import Resource
from families_first.research.asking.question import Question, check_question
from families_first.research.asking.tabulating import Cell, tabulate
from families_first.research.extract.loading import ANALYSING, RESOURCE, find_extract, load_study
from families_first.research.protocol.sealing import sealed_protocol
from families_first.research.study_data import Provenance

QUESTION = "question"
"""The detail of a log entry by which questions are told from other acts of analysing."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered.

    Attributes
    ----------
    question
        What was asked.
    cells
        Each group, hidden ones too, without their numbers.
    hidden
        How many are hidden.
    total
        People in the groups that are shown.
    asked_today, limit
        How many questions were asked today, with this one, and how many may be.
    provenance
        Where the data come from.
    """

    question: Question
    cells: tuple[Cell, ...]
    hidden: int
    total: int
    asked_today: int
    limit: int
    provenance: Provenance


def ask(desk: Desk, protocol_id: str, question: Question) -> Answer:
    """Answer a question about a study's extract, with groups that are large enough and nothing else.

    Raises
    ------
    UserError
        USAGE, when it cannot be asked; REFUSED, when it is of outcomes that are not opened, the day's limit
        is reached, the protocol was changed, or the policy says no; NOT_FOUND, when there is no extract;
        AGREEMENT, when an agreement has lapsed.
    """
    resource = Resource(RESOURCE, protocol_id)
    try:
        protocol = sealed_protocol(desk, protocol_id).text.protocol
        limit = protocol.disclosure.max_questions
        before = asked_today(desk, protocol_id)
        if before >= limit:
            raise UserError(
                f"Of this extract {before:,} questions were asked today, and the protocol allows {limit:,}",
                where=protocol_id,
                fix="Ask again tomorrow. The limit stands in the sealed protocol, under [disclosure] "
                "max_questions.",
                code=ExitCode.REFUSED,
            )
    except UserError as refusal:
        raise desk.refuse(ANALYSING, resource, refusal) from None
    said = {
        QUESTION: "mean" if question.mean_of else "count",
        "variable": question.mean_of,
        "by": ",".join(question.by),
    }
    with desk.act(ANALYSING, resource, agreement_in_force=True, details=said) as act:
        extract = find_extract(act, protocol_id)
        check_question(question, protocol, outcomes_open=extract.outcomes is not None)
        study = load_study(act, protocol_id, only={question.mean_of} - {""})
        cells = tabulate(study, protocol, question)
        hidden = sum(each.people is None for each in cells)
        act.note(cells=len(cells), hidden=hidden)
    return Answer(
        question=question,
        cells=cells,
        hidden=hidden,
        total=sum(each.people or 0 for each in cells),
        asked_today=before + 1,
        limit=limit,
        provenance=study.provenance,
    )


def asked_today(desk: Desk, protocol_id: str) -> int:
    """Return how many questions were asked of a study's extract today, by the audit log."""
    today = desk.today
    return sum(
        entry.event.action == ANALYSING
        and entry.event.outcome == Outcome.ALLOWED
        and entry.event.resource_id == protocol_id
        and QUESTION in entry.event.details
        and entry.time.date() == today
        for entry in desk.log.entries()
    )
