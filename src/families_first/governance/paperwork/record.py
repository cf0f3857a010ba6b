"""The record of processing (UK GDPR, Article 30) as a table: the columns of the Information Commissioner's
template for controllers, then those that the Data Privacy Vocabulary asks for.

What the program cannot know (contact details, breaches, links to your own documents) is left blank to be
filled in.

Source: Information Commissioner's Office, documentation template for controllers; W3C Data Privacy
Vocabulary 2, guide to records of processing activities.
"""

import csv
import io
from collections.abc import Iterable, Mapping

from families_first.governance.agreements.model import Agreement, Role
from families_first.governance.home import Home
from families_first.governance.policy.table import who_may_do_what
from families_first.governance.purposes import Purpose
from families_first.governance.vocabulary import Term, vocabulary

ICO_COLUMNS = (
    "Business function",
    "Purpose of processing",
    "Name and contact details of joint controller (if applicable)",
    "Categories of individuals",
    "Categories of personal data",
    "Categories of recipients",
    "Link to contract with processor",
    "Names of third countries or international organisations that personal data are transferred to "
    "(if applicable)",
    "Safeguards for exceptional transfers of personal data to third countries or international organisations "
    "(if applicable)",
    "Retention schedule (if possible)",
    "General description of technical and organisational security measures (if possible)",
    "Article 6 lawful basis for processing personal data",
    "Article 9 basis for processing special category data",
    "Legitimate interests for the processing (if applicable)",
    "Link to record of legitimate interests assessment (if applicable)",
    "Rights available to individuals",
    "Existence of automated decision-making, including profiling (if applicable)",
    "The source of the personal data (if applicable)",
    "Link to record of consent",
    "Location of personal data",
    "Data Protection Impact Assessment required?",
    "Data Protection Impact Assessment progress",
    "Link to Data Protection Impact Assessment",
    "Has a personal data breach occurred?",
    "Link to record of personal data breach",
    "Data Protection Act 2018 Schedule 1 Condition for processing",
    "Link to retention and erasure policy document",
    "Personal data retained and erased in accordance with the policy document - reasons for not adhering to "
    "it (if applicable)",
)
DPV_COLUMNS = ("Agreement", "dpv:hasPurpose", "dpv:hasProcessing", "dpv:hasRight")

_MEASURES = (
    "Encrypted at rest with a key for each dataset; access by policy and purpose, decided and logged before "
    "each act; a second factor for grave acts; keys destroyed at the end of retention"
)
_NO_MACHINE_DECISION = (
    "None: published criteria are counted, a person decides on each family, and nobody is given a score"
)


def record_of_processing(home: Home, agreements: Iterable[Agreement]) -> str:
    """Return the record as CSV, a line for each agreement and purpose."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*ICO_COLUMNS, *DPV_COLUMNS], restval="", lineterminator="\n")
    writer.writeheader()
    for agreement in agreements:
        for purpose in agreement.purposes:
            writer.writerow({key: _safe(value) for key, value in _line(home, agreement, purpose).items()})
    return out.getvalue()


def _line(home: Home, agreement: Agreement, purpose: Purpose) -> Mapping[str, str]:
    words = vocabulary()
    others = [party for party in agreement.parties if party.name != home.organisation]
    actions = [words.actions[row.action] for row in who_may_do_what() if purpose.value in row.purposes]
    kept = {each.id: each for each in home.retention_classes}.get(agreement.retention_class)
    return {
        "Business function": "Families First programme",
        "Purpose of processing": purpose.says,
        "Name and contact details of joint controller (if applicable)": "; ".join(
            party.name for party in others if party.role is Role.JOINT_CONTROLLER
        ),
        "Categories of individuals": "Children, young people and adults of families that may need support",
        "Categories of personal data": "; ".join(
            file.title or mapping_id for mapping_id, file in agreement.files.items()
        ),
        "Categories of recipients": "; ".join(
            dict.fromkeys(
                words.roles[row.role].label for row in who_may_do_what() if purpose.value in row.purposes
            )
        ),
        "Retention schedule (if possible)": kept.destroy_after.says if kept else agreement.retention_class,
        "General description of technical and organisational security measures (if possible)": (
            agreement.security or _MEASURES
        ),
        "Article 6 lawful basis for processing personal data": agreement.lawful_basis or "",
        "Article 9 basis for processing special category data": agreement.special_category_condition or "",
        "Rights available to individuals": "; ".join(term.label for term in words.rights.values()),
        "Existence of automated decision-making, including profiling (if applicable)": _NO_MACHINE_DECISION,
        "The source of the personal data (if applicable)": "; ".join(party.name for party in others),
        "Location of personal data": f"The organisation's own home, zone {home.zone.value}",
        "Data Protection Impact Assessment required?": "Yes",
        "Link to Data Protection Impact Assessment": agreement.data_protection_impact_assessment or "",
        "Data Protection Act 2018 Schedule 1 Condition for processing": (
            agreement.criminal_offence_condition or ""
        ),
        "Agreement": agreement.id,
        "dpv:hasPurpose": words.purposes[purpose.value].dpv,
        "dpv:hasProcessing": _iris(actions),
        "dpv:hasRight": _iris(words.rights.values()),
    }


def _iris(terms: Iterable[Term]) -> str:
    return "; ".join(dict.fromkeys(term.dpv for term in terms if term.dpv))


def _safe(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP ASVS 5.0, 1.2.10)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
