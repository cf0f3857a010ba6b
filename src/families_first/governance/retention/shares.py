"""Shares of master keys, and their holders' statements that they are destroyed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys.register import Master, MastersRegister, ShareHeld
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.records import ShareDestroyed, ShareFate, record_text
from families_first.governance.retention.register import RecordKind, Register
from families_first.governance.retention.signing import Signature
from families_first.governance.retention.stored import read_entered


@dataclass(frozen=True, slots=True)
class SharesOfMaster:
    """The shares of one master: how many open it, and what became of each."""

    master: str
    threshold: int
    fates: tuple[ShareFate, ...]

    @property
    def outstanding(self) -> tuple[str, ...]:
        """The ids of shares that nobody has stated to be destroyed."""
        return tuple(each.id for each in self.fates if not each.statement)

    @property
    def could_open(self) -> bool:
        """Whether the outstanding shares are enough to bring the master back."""
        return 0 < self.threshold <= len(self.outstanding)


def shares_of(home: Home, class_id: str, register: Register) -> tuple[SharesOfMaster, ...]:
    """Return the shares of every master that a class has or had, with the statements entered so far.

    Raises
    ------
    UserError
        VAULT, when the register of masters is damaged; PROMISE, when a statement is not as it was entered.
    """
    stated = {}
    for line in register.of_kind(RecordKind.SHARE_DESTROYED):
        record = read_entered(home, line)
        if isinstance(record, ShareDestroyed) and record.retention_class == class_id:
            stated[record.share] = (record, line.sha256)
    return tuple(
        SharesOfMaster(
            each.fingerprint,
            each.threshold,
            tuple(_fate(share, *stated.get(share.id, (None, ""))) for share in each.shares),
        )
        for each in MastersRegister(home.keys).masters(class_id)
        if each.shares
    )


def prepare_share_statement(
    home_name: str, class_id: str, *, share: str, custodian: str, method: str, destroyed_on: date
) -> str:
    """Return a custodian's statement that a share is destroyed, as a text to be signed.

    A custodian may work elsewhere, so it takes the home's name (``home.name``) and not the home.
    """
    return record_text(
        ShareDestroyed(
            home=home_name,
            retention_class=class_id,
            share=share,
            custodian=custodian,
            method=method,
            destroyed_on=destroyed_on,
        )
    )


def find_share(home: Home, class_id: str, share: str, *, where: str) -> tuple[Master, ShareHeld]:
    """Return a share as the register knows it, with its master.

    Raises
    ------
    UserError
        REFUSED, when no share of this id was handed out for the class.
    """
    masters = MastersRegister(home.keys).masters(class_id)
    found = [(master, each) for master in masters for each in master.shares if each.id == share]
    if not found:
        raise _refused("No share of this id was handed out for this class", where)
    return found[-1]


def check_share_statement(
    home: Home, record: ShareDestroyed, register: Register, signatures: Sequence[Signature], *, where: str
) -> None:
    """Refuse a statement on a share that was not handed out or is needed yet, or by another than its holder.

    Raises
    ------
    UserError
        REFUSED.
    """
    master, share = find_share(home, record.retention_class, record.share, where=where)
    if master.state == "in use" and record.retention_class not in schedule_of(home, register).begun:
        raise _refused("This share is still needed: its key is in use", where)
    if not any(
        each.person == record.custodian and share.holder in (each.person, each.verifier.name)
        for each in signatures
    ):
        raise _refused(
            "This is not signed by the custodian who holds the share, with the key of the staff register",
            where,
        )


def _fate(share: ShareHeld, statement: ShareDestroyed | None, sha256: str) -> ShareFate:
    if statement is None:
        return ShareFate(id=share.id, custodian=share.holder)
    return ShareFate(
        id=share.id,
        custodian=statement.custodian,
        destroyed_on=statement.destroyed_on,
        statement=sha256,
    )


def _refused(what: str, where: str) -> UserError:
    return UserError(
        what,
        where=where,
        fix="`families-first keys shares` lists the shares; the statement names one, its class and holder.",
        code=ExitCode.REFUSED,
    )
