"""Asking an extract: counts and means of groups large enough to hide anybody in, and nothing else."""

from families_first.research.asking.answering import Answer, ask
from families_first.research.asking.question import Question
from families_first.research.asking.tabulating import Cell

__all__ = ["Answer", "Cell", "Question", "ask"]
