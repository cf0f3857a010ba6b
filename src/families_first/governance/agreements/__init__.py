"""Agreements: nothing is read without one in force that names the sender, the purpose and each column."""

from families_first.governance.agreements.files import load_agreement, load_agreements
from families_first.governance.agreements.model import AgreedFile, Agreement, Contents, Gateway, Party, Role
from families_first.governance.agreements.reading import check_read
from families_first.governance.agreements.study import StudyTerms
from families_first.governance.agreements.text import render_agreement

__all__ = [
    "AgreedFile",
    "Agreement",
    "Contents",
    "Gateway",
    "Party",
    "Role",
    "StudyTerms",
    "check_read",
    "load_agreement",
    "load_agreements",
    "render_agreement",
]
