"""What the audit log keeps of one happening. It names nobody but the person who acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

Detail = str | int | bool | None
_NONE: Mapping[str, Detail] = MappingProxyType({})


class Outcome(StrEnum):
    """What became of what was asked."""

    ALLOWED = "allowed"  # decided, and about to be done
    REFUSED = "refused"  # decided, and not done
    DONE = "done"  # came to its end; ``about`` names the entry that allowed it
    FAILED = "failed"  # was allowed and did not come to its end
    NOTED = "noted"  # neither asked nor refused: a fact worth keeping, such as a notice given


@dataclass(frozen=True, slots=True)
class Event:
    """One happening.

    Attributes
    ----------
    action, resource_kind, resource_id, purpose
        What was asked, in the words of the vocabulary; ids hold no personal data.
    outcome
        What became of it.
    actor, account
        The person's id in the staff register, and the operating system account that ran the program.
    policies, policy_hash
        The policies that decided, and the hash of all of them at that moment.
    subjects
        Keyed commitments to the people concerned (hexadecimal), never their ids.
    about
        The index of the earlier entry that this one continues; None for none.
    details
        Counts, ids and hashes; never a value from anybody's record.
    """

    action: str
    resource_kind: str
    resource_id: str
    purpose: str
    outcome: Outcome
    actor: str
    account: str
    policies: tuple[str, ...] = ()
    policy_hash: str = ""
    subjects: tuple[str, ...] = ()
    about: int | None = None
    details: Mapping[str, Detail] = field(default=_NONE, hash=False)
