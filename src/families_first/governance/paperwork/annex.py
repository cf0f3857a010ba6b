"""The annex to a data protection impact assessment, and the notice's tables, in Markdown."""

from collections.abc import Iterable

from families_first.governance.agreements.model import Agreement
from families_first.governance.policy.explaining import in_words
from families_first.governance.policy.table import forbidden_whoever_permits, who_may_do_what
from families_first.governance.policy.table_page import cells
from families_first.governance.vocabulary import Term, vocabulary


def impact_annex(agreements: Iterable[Agreement], policy_hash: str) -> str:
    """Return what an impact assessment asks of access: which data, who, what for, and what holds each
    promise.

    It describes the processing and the measures (UK GDPR, Article 35(7)(a) and (d)); necessity and risks
    are for people to judge.
    """
    words = vocabulary()
    held: dict[str, list[str]] = {}
    for rule in forbidden_whoever_permits():
        held.setdefault(rule.promise, []).append(in_words(rule.policy))
    return "\n".join(
        [
            "# Annex to the data protection impact assessment: who may do what, and what holds each promise",
            "",
            f"Made from the policies with the hash `{policy_hash}`.",
            "",
            "## Purposes",
            "",
            *_table(
                ("Purpose", "In plain words", "DPV"), (_with_dpv(term) for term in words.purposes.values())
            ),
            "",
            "## Kinds of personal data",
            "",
            *_table(("Kind", "What it is", "DPV"), (_with_dpv(term) for term in words.data_classes.values())),
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
                    for each in agreements
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


def notice_tables(agreements: Iterable[Agreement]) -> str:
    """Return the tables that a privacy notice carries: what for, which data, from whom, who sees it,
    rights.
    """
    words = vocabulary()
    who: dict[str, list[str]] = {}
    for row in who_may_do_what():
        for purpose in row.purposes:
            who.setdefault(purpose, []).append(words.roles[row.role].label.lower())
    senders = sorted({party.name for each in agreements for party in each.parties})
    return "\n".join(
        [
            "# Tables for the privacy notice",
            "",
            "## What we use your information for, and who does",
            "",
            *_table(
                ("Purpose", "What for", "Who"),
                (
                    (term.label, term.says, ", ".join(dict.fromkeys(who.get(term.id, ()))))
                    for term in words.purposes.values()
                ),
            ),
            "",
            "## Which information",
            "",
            *_table(
                ("Kind", "What it is"), ((term.label, term.says) for term in words.data_classes.values())
            ),
            "",
            "## Who takes part",
            "",
            *(f"- {name}" for name in senders or ["nobody yet: there is no agreement"]),
            "",
            "## Your rights",
            "",
            *_table(
                ("Right", "What you may ask"), ((term.label, term.says) for term in words.rights.values())
            ),
            "",
        ]
    )


def _with_dpv(term: Term) -> tuple[str, str, str]:
    return term.label, term.says, f"<{term.dpv}>" if term.dpv else ""


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"

    return [line(headings), line(("---",) * len(headings)), *map(line, rows)]
