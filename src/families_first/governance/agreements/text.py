"""An agreement written out for people: a data protection officer, a partner, a citizen who asks."""

import textwrap
from collections.abc import Mapping
from datetime import date

from families_first.governance.agreements.model import AgreedFile, Agreement, Contents
from families_first.governance.agreements.study import StudyTerms

_WIDTH = 100

_STATED: Mapping[str, str] = {
    "lawful_basis": "Lawful basis",
    "special_category_condition": "Condition for special category data",
    "criminal_offence_condition": "Condition for criminal offence data",
    "necessity": "Why nothing less would do",
    "security": "Security",
    "rights_contact": "Whom people ask about their rights",
    "data_protection_impact_assessment": "Data protection impact assessment",
}


def render_agreement(agreement: Agreement, *, on: date | None = None) -> str:
    """Return an agreement as plain text; with ``on``, says how it stands on that day."""
    lines = [agreement.title, "=" * len(agreement.title)]
    if agreement.made_up:
        lines += [
            "Made up: no real organisation signed this, and no real person's record may be read under it."
        ]
    lines += ["", *_standing(agreement, on), ""]
    lines += ["Who shares", *(_item(f"{party.name} ({party.role})") for party in agreement.parties), ""]
    lines += ["What for", *(_item(each.says) for each in agreement.purposes), ""]
    gateway = agreement.gateway
    lines += [
        "By what power",
        _item(f"{gateway.name}: {gateway.provision} [{gateway.tag}]"),
        _item(gateway.law.binds),
        "",
    ]
    if agreement.row_key:
        lines += ["What joins the parts of a study", _item(f"The column {agreement.row_key}"), ""]
    if agreement.study:
        lines += ["The study", *map(_item, _of_the_study(agreement.study)), ""]
    for mapping_id, file in agreement.files.items():
        lines += _table(_heading(mapping_id, file), file.columns)
        if file.not_taken:
            lines += _table("What comes along and is never taken", file.not_taken)
    stated = {words: getattr(agreement, part) for part, words in _STATED.items()}
    for words, text in stated.items():
        if text:
            lines += [words, _item(text), ""]
    missing = [words for words, text in stated.items() if not text]
    if missing:
        lines += ["Not stated in this agreement", *(_item(words) for words in missing), ""]
    return "\n".join(lines).rstrip() + "\n"


def _standing(agreement: Agreement, on: date | None) -> list[str]:
    lines = [
        f"Agreement        {agreement.id}",
        f"In force         {_day(agreement.in_force_from)} to {_day(agreement.in_force_to)}",
        f"Review           {_day(agreement.review_on)}",
        f"Retention class  {agreement.retention_class}",
    ]
    if on is None:
        return lines
    if on < agreement.in_force_from:
        standing = "not yet in force: nothing may be read"
    elif on > agreement.in_force_to:
        standing = "expired: nothing may be read"
    elif agreement.review_is_due(on):
        standing = "in force; its review is due"
    else:
        standing = "in force"
    return [*lines, f"On {_day(on)}: {standing}"]


def _of_the_study(study: StudyTerms) -> list[str]:
    told = [f"The project {study.project}; these records are of the owner {study.owner}"]
    if study.outcomes_from is not None:
        told.append(
            f"What happened from {_day(study.outcomes_from)} on is sealed locked: nobody opens it before "
            f"{study.outcomes_released_by} releases it for a protocol that was sealed before"
        )
    if study.repeats_people:
        told.append("One person may stand in these records under two references")
    return told


def _heading(file_id: str, file: AgreedFile) -> str:
    to = f", to {file.recipient} alone" if file.recipient else ""
    if file.contents == Contents.RECORDS:
        known_as = f"{file.title} (mapping {file_id})" if file.title else f"mapping {file_id}"
        return f"What is read: {known_as}{to}"
    return f"What is sent as {file.contents}{to}: {file.title or file_id}"


def _table(heading: str, reasons: Mapping[str, str]) -> list[str]:
    widest = min(max(len(name) for name in reasons), 32)
    lines = [heading]
    for name, why in reasons.items():
        lead = f"  {name:<{widest}}  "
        lines += textwrap.wrap(
            why, _WIDTH, initial_indent=lead, subsequent_indent=" " * (widest + 4), break_long_words=False
        )
    return [*lines, ""]


def _item(text: str) -> str:
    return textwrap.fill(text, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
