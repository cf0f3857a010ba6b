"""Paperwork that cannot differ from what the program does: made from the vocabulary, the policies and
agreements.
"""

from families_first.governance.paperwork.choices import choices
from families_first.governance.paperwork.writing import write_paperwork

__all__ = ["choices", "write_paperwork"]
