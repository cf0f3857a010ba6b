"""A study's records: split at their owner's, objections kept, outcomes released for one sealed protocol."""

from families_first.governance.study.accepting import Accepted, accept_release
from families_first.governance.study.objections import Recorded, record_objections
from families_first.governance.study.protocols import (
    RegisteredProtocol,
    register_sealed_protocol,
    registered_protocol,
)
from families_first.governance.study.release_request import request_release
from families_first.governance.study.releasing import Released, release_outcomes
from families_first.governance.study.splitting import Split, SplitSection, split_for_study

__all__ = [
    "Accepted",
    "Recorded",
    "RegisteredProtocol",
    "Released",
    "Split",
    "SplitSection",
    "accept_release",
    "record_objections",
    "register_sealed_protocol",
    "registered_protocol",
    "release_outcomes",
    "request_release",
    "split_for_study",
]
