"""What a destruction takes: of a class and of what was made from it, told without a row being read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from families_first.errors import ExitCode, UserError
from families_first.governance.backup.catalogue import last_expiry
from families_first.governance.home import Home
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.retention.dates import Schedule, schedule_of
from families_first.governance.retention.in_the_clear import InTheClear, files_in_the_clear
from families_first.governance.retention.records import DestructionPlan
from families_first.governance.retention.register import Line, RecordKind, Register, read_register
from families_first.governance.retention.rules import check_known
from families_first.governance.retention.shares import SharesOfMaster, shares_of
from families_first.governance.retention.stored import read_entered
from families_first.governance.vault.holdings import Holding, Origin, holdings_of, index_of, origin_of


@dataclass(frozen=True, slots=True)
class Going:
    """What a destruction takes, without a row of it being read.

    Attributes
    ----------
    whole
        Whether the class's master dies, or only datasets that were kept their time.
    due
        The day; None when the datasets of a class counted from receipt go, each with its own day.
    begun
        Whether the destruction has begun already and is to be finished.
    datasets, files, bytes
        What is deleted from the vault.
    derived
        Those of the datasets that belong to other classes, and go because they were made from what goes.
    masters, shares
        The keys by fingerprint, and their shares.
    backups_expire
        The day on which the last backup that holds any of it expires; None when there is none.
    in_the_clear
        How many files lie in ``inbox/`` and ``outbox/`` now.
    clears
        Whether those are deleted: with a whole class, until the certificate of that is entered.
    """

    retention_class: str
    whole: bool
    due: date | None
    begun: bool
    datasets: tuple[str, ...]
    derived: tuple[str, ...]
    files: int
    bytes: int
    masters: tuple[str, ...]
    shares: tuple[SharesOfMaster, ...]
    backups_expire: date | None
    in_the_clear: InTheClear
    clears: bool


def what_goes(home: Home, class_id: str, *, on: date) -> Going:
    """Return what the destruction of a class takes on a day.

    Raises
    ------
    UserError
        REFUSED, when nothing of the class is due; HOME, when there is no such class; VAULT or PROMISE,
        when an index, a key or a record is damaged. VAULT also, when the keys of another class are locked
        and nobody can say whether its datasets were made from what goes.
    """
    register = read_register(home)
    schedule = schedule_of(home, register)
    check_known(home, class_id)
    day = schedule.days.get(class_id)
    whole = class_id in schedule.due(on)
    own = [each for each in holdings_of(home, class_id) if whole or is_due(home, schedule, each, on=on)]
    derived = derived_from(home, schedule, class_id, on=on)
    held = [*own, *derived]
    if not whole and not held and plan_under_way(home, register, class_id, ()) is None:
        raise _not_yet(class_id, day, receipt=class_id in schedule.receipt_years)
    masters = {each.fingerprint for each in MastersRegister(home.keys).masters(class_id)}
    return Going(
        retention_class=class_id,
        whole=whole,
        due=day if whole else None,
        begun=class_id in schedule.begun,
        datasets=tuple(each.entry.dataset_id for each in held),
        derived=tuple(each.entry.dataset_id for each in derived),
        files=sum(each.files for each in held),
        bytes=sum(each.bytes for each in held),
        masters=tuple(sorted(masters | {each.master for each in own} - {""})) if whole else (),
        shares=shares_of(home, class_id, register) if whole else (),
        backups_expire=last_expiry(home),
        in_the_clear=files_in_the_clear(home),
        clears=whole and not _is_certified(register, class_id),
    )


def is_due(home: Home, schedule: Schedule, holding: Holding, *, on: date) -> bool:
    """Whether a dataset has had its time: by its class, from its receipt, or by what it was made from.

    Raises
    ------
    UserError
        VAULT, when that cannot be told, because its manifest is damaged or the keys of its class are locked.
    """
    entry = holding.entry
    if entry.retention_class in schedule.due(on) or entry.retention_class not in schedule.known:
        return True
    if entry.kind == "delivery" and entry.retention_class not in schedule.receipt_years:
        return False
    origin = _origin(home, holding)
    return schedule.has_come(entry.retention_class, origin.received, on=on) or schedule.derived_has_come(
        origin.made_from, on=on
    )


def derived_from(home: Home, schedule: Schedule, class_id: str, *, on: date) -> list[Holding]:
    """Return the datasets of other classes that were made from what is due of a class.

    Those of a class of which the destruction has begun are left to that. Raises as :func:`is_due`.
    """
    others = [
        each
        for each in holdings_of(home)
        if each.entry.kind != "delivery" and each.entry.retention_class not in {class_id, *schedule.begun}
    ]
    return [
        each
        for each in others
        if schedule.derived_has_come(
            (pair for pair in _origin(home, each).made_from if class_id in pair), on=on
        )
    ]


def plan_under_way(home: Home, register: Register, class_id: str, due: Sequence[str]) -> Line | None:
    """Return the plan that a run goes on with; None when a new one is to be made.

    That is the plan for the whole class; or one of which datasets are left; or, when nothing further is
    due, the last that waits for its certificate.
    """
    certified = {line.certifies for line in register.of_kind(RecordKind.CERTIFICATE)}
    left = {each.dataset_id for each in index_of(home).entries}
    waiting = None
    for line in register.of_kind(RecordKind.PLAN):
        plan = read_entered(home, line)
        if not isinstance(plan, DestructionPlan) or plan.retention_class != class_id:
            continue
        if plan.whole or left.intersection(plan.datasets):
            return line
        waiting = line if line.sha256 not in certified else None
    return None if due else waiting


def _is_certified(register: Register, class_id: str) -> bool:
    """Whether a class was destroyed and that certified; what lies in the inbox since came after it."""
    certified = {line.certifies for line in register.of_kind(RecordKind.CERTIFICATE)}
    return any(
        class_id in line.destroys and line.sha256 in certified for line in register.of_kind(RecordKind.PLAN)
    )


def _origin(home: Home, holding: Holding) -> Origin:
    entry = holding.entry
    try:
        return origin_of(home, entry, provider_of(home))
    except UserError as fault:
        raise UserError(
            f"Whether this has had its time, and must go, cannot be told without the key of class "
            f"'{entry.retention_class}': {fault.what}",
            where=f"{entry.kind} {entry.name}",
            fix=fault.fix,
            code=fault.code,
        ) from None


def _not_yet(class_id: str, day: date | None, *, receipt: bool) -> UserError:
    if receipt:
        why = "no dataset of it has been kept for its years yet"
    elif day is None:
        why = "its programme has not been ended by a signed decision"
    else:
        why = f"its day is {day:%d %B %Y}"
    return UserError(
        f"Nothing of class '{class_id}' is due for destruction: {why}",
        where=class_id,
        fix="Wait for the day. To destroy sooner, the senior responsible owner and the data "
        "protection officer "
        "sign an earlier day: `families-first retention bring-forward`.",
        code=ExitCode.REFUSED,
    )
