"""Protocols: what a study asks and how it will answer, written down and sealed before outcomes are seen."""

from families_first.research.protocol.model import StudyProtocol, Variable
from families_first.research.protocol.reading import ProtocolText, load_protocol, read_protocol

__all__ = ["ProtocolText", "StudyProtocol", "Variable", "load_protocol", "read_protocol"]
