"""The annex to a data protection impact assessment, and the notice's tables, in Markdown."""

from collections.abc import Iterable
from datetime import date

from families_first.governance.paperwork.carried import Carried
from families_first.governance.policy.table import forbidden_whoever_permits, who_may_do_what
from families_first.governance.policy.table_page import cells
from families_first.governance.purposes import Purpose
from families_first.governance.vocabulary import Term, vocabulary


def impact_annex(carried: Carried, policy_hash: str) -> str:
    """Return what an impact assessment asks of access: which data, who, what for, and what holds each
    promise.

    It describes the processing and the measures (UK GDPR, Article 35(7)(a) and (d)); necessity and risks
    are for people to judge.
    """
    words = vocabulary()
    held: dict[str, list[str]] = {}
    for rule in forbidden_whoever_permits():
        held.setdefault(rule.promise, []).append(rule.says)
    return "\n".join(
        [
            "# Annex to the data protection impact assessment: who may do what, and what holds each promise",
            "",
            f"Made from the policies with the hash `{policy_hash}`.",
            "",
            *_agreements_told(carried),
            "",
            "## Purposes",
            "",
            *_table(("Purpose", "In plain words", "DPV"), (_with_dpv(term) for term in _purposes(carried))),
            "",
            "## Kinds of personal data",
            "",
            *_kinds_of_data(carried, ("Kind", "What of it", "Under", "DPV"), with_dpv=True),
            "",
            "## Agreements",
            "",
            *_table(
                ("Agreement", "Parties", "Power", "Necessity, as the parties stated it"),
                (
                    (
                        each.title,
                        ", ".join(party.name for party in each.parties),
                        each.gateway.provision,
                        each.necessity or "not stated",
                    )
                    for each in carried.agreements
                ),
            ),
            "",
            "## Who may do what",
            "",
            *_table(
                ("Role", "May", "In the zones", "For the purpose", "If"),
                ((words.roles[row.role].label, *cells(row)) for row in who_may_do_what()),
            ),
            "",
            "## What holds each promise, whoever would permit otherwise",
            "",
            *_table(
                ("Promise of the notice", "Rules"), ((said, "; ".join(rules)) for said, rules in held.items())
            ),
            "",
        ]
    )


def notice_tables(carried: Carried) -> str:
    """Return the tables that a privacy notice carries: what for, which data, from whom, who sees it,
    rights.
    """
    words = vocabulary()
    who: dict[str, list[str]] = {}
    for row in who_may_do_what():
        for purpose in row.purposes:
            who.setdefault(purpose, []).append(words.roles[row.role].label.lower())
    parties = sorted({party.name for each in carried.agreements for party in each.parties})
    return "\n".join(
        [
            "# Tables for the privacy notice",
            "",
            *_agreements_told(carried),
            "",
            "## What we use your information for, and who does",
            "",
            *_table(
                ("Purpose", "What for", "Who"),
                (
                    (term.label, term.says, ", ".join(dict.fromkeys(who.get(term.id, ()))))
                    for term in _purposes(carried)
                ),
            ),
            "",
            "## Which information",
            "",
            *_kinds_of_data(carried, ("Kind", "What of it", "Under")),
            "",
            "## Who takes part",
            "",
            *(f"- {name}" for name in parties or ["nobody: there is no agreement in force"]),
            "",
            "## Your rights",
            "",
            *_table(
                ("Right", "What you may ask"), ((term.label, term.says) for term in words.rights.values())
            ),
            "",
        ]
    )


def _agreements_told(carried: Carried) -> list[str]:
    day = _day(carried.on)
    if not carried.agreements:
        return [f"No agreement of this home is in force on {day}, so nothing may be received."]
    return [
        f"Made from the agreements in force on {day}, and true of no others:",
        "",
        *(
            f"- {each.title} (`{each.id}`), from {_day(each.in_force_from)} to {_day(each.in_force_to)}"
            for each in carried.agreements
        ),
    ]


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _purposes(carried: Carried) -> list[Term]:
    """The purposes that the agreements carry, and that of protecting the data, which all data has."""
    agreed = {purpose.value for each in carried.agreements for purpose in each.purposes}
    wanted = agreed | {Purpose.PROTECT_DATA.value}
    return [term for term in vocabulary().purposes.values() if term.id in wanted]


def _kinds_of_data(carried: Carried, headings: tuple[str, ...], *, with_dpv: bool = False) -> list[str]:
    rows = [
        (each.term.label, "; ".join(each.holds), "; ".join(each.agreements), _iri(each.term))
        for each in carried.classes
    ]
    told = _table(headings, (row if with_dpv else row[:-1] for row in rows))
    if carried.undescribed:
        told += [
            "",
            "**To be written by hand:** no mapping of this home reads these files, so the table does not say",
            "which kinds of information they hold.",
            "",
            *(f"- {title}, under {agreement}" for title, agreement in carried.undescribed),
        ]
    return told


def _with_dpv(term: Term) -> tuple[str, str, str]:
    return term.label, term.says, _iri(term)


def _iri(term: Term) -> str:
    return f"<{term.dpv}>" if term.dpv else ""


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"

    return [line(headings), line(("---",) * len(headings)), *map(line, rows)]
