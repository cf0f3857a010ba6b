"""Destroying a project's identifiers and its spine once the spine has been sent, with a certificate.

Datasets and the wrapped keys beside them are deleted, and then the masters of their classes are rotated, so
that the keys in a backup made before open nothing either. A signed plan stands in the retention register
before anything is touched; whatever is cut short, the next run finishes. The certificate has the form of any
certificate of destruction, is signed and entered in the same way, and is verified by the same program.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import load_agreements
from families_first.governance.audit.event import Outcome
from families_first.governance.backup.catalogue import last_expiry
from families_first.governance.desk import Act, Desk
from families_first.governance.durable import disk_refusals, flush_folder, make_private_folder, write_durably
from families_first.governance.home import Home
from families_first.governance.identity import ensure_identity, signer_of
from families_first.governance.keys import KeyProvider, provider_of
from families_first.governance.keys.rotation import rotate
from families_first.governance.notes import sign_note
from families_first.governance.parcels.container import PARCEL_SUFFIX, read_parcel_file
from families_first.governance.parcels.manifest import Manifest
from families_first.governance.parcels.refusals import ParcelRefusedError
from families_first.governance.parcels.sealing import SEALING
from families_first.governance.policy import Resource
from families_first.governance.retention.records import Certificate, DestructionPlan, record_text
from families_first.governance.retention.register import (
    Line,
    RecordKind,
    enter,
    next_file,
    read_register,
    sha256_of,
)
from families_first.governance.retention.stored import read_entered
from families_first.governance.retention.tombstones import bury
from families_first.governance.vault import DatasetInfo, Vault
from families_first.governance.vault.holdings import forget, holdings_of
from families_first.linkage.linking import LINKING
from families_first.linkage.received import manifest_of
from families_first.linkage.sampling import SAMPLE_PREFIX

DESTROYING = "destroy-identifiers"

_METHOD = (
    "The identifiers and the spine of the project '{project}' were deleted with the keys that lay beside "
    "them, and the master keys that could open a copy of those keys were replaced and destroyed"
)


@dataclass(frozen=True, slots=True)
class IdentifiersDestroyed:
    """What was destroyed: how many datasets and files, the masters by fingerprint, and the certificates.

    Those lie in the outbox and wait for their signature.
    """

    project: str
    datasets: int
    files: int
    masters: tuple[str, ...]
    certificates: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What there is of a project: its datasets, and its parcels and samples that lie as files."""

    datasets: tuple[DatasetInfo, ...]
    files: tuple[Path, ...]


def destroy_identifiers(
    desk: Desk, project: str, *, keys: KeyProvider | None = None, unsent: bool = False
) -> IdentifiersDestroyed:
    """Destroy the identifiers and the spine of a project, and the keys that could open a copy of them.

    Done again after it was cut short, it finishes; done again when more has come since, it destroys that too.

    Parameters
    ----------
    keys
        In a home of custodians a provider that was given a ceremony: a new master is made in it.
    unsent
        Destroy the spine though nothing was sealed since it was made, so that nobody can have it.

    Raises
    ------
    UserError
        NOT_FOUND, when there is nothing of this project; REFUSED, when the policy says no, nothing was sealed
        since the spine was made, or custodians are needed and not gathered; VAULT, when a key or a manifest
        is damaged; RESOURCE, when the disk is full.
    """
    home = desk.home
    if keys is None and home.settings.keys.provider == "custodians":
        raise UserError(
            "In this home custodians make a new master key together, and destroying identifiers takes one",
            where="keys",
            fix="Gather the custodians (`families-first keys ceremony` prints the steps) and name them with "
            "--holder. Nothing was destroyed.",
            code=ExitCode.REFUSED,
        )
    provider = keys or provider_of(home)
    retired: list[str] = []
    with desk.act(DESTROYING, Resource("Identifiers", project), details={"project": project}) as act:
        found = _find(act, project)
        if not unsent and any(each.kind == "spine" for each in found.datasets):
            _check_sent(desk, project)
        with home.locked():
            lines = _plans(desk, project, found, provider)
            if not lines and not found.files:
                raise _nothing(project)
            # Files first: which of them are the project's is known by what lies in the vault.
            deleted = _delete(found.files)
            for line in lines:
                retired += _carry_out(home, _plan_in(home, line), provider, on=desk.today)
            bury(home, on=desk.today)
        act.note(
            datasets=len(found.datasets),
            files=deleted,
            masters=",".join(retired),
            plans=",".join(each.sha256[:16] for each in lines),
        )
    certificates = tuple(_certificate(desk, project, line) for line in lines)
    return IdentifiersDestroyed(project, len(found.datasets), deleted, tuple(retired), certificates)


def _check_sent(desk: Desk, project: str) -> None:
    """Refuse where the log has nothing sealed since the people of the project were linked last."""
    linked = sealed = -1
    for entry in desk.log.entries():
        event = entry.event
        if event.outcome is not Outcome.DONE:
            continue
        if event.action == LINKING and event.resource_id == project and "rows" in event.details:
            linked = entry.index
        elif event.action == SEALING:
            sealed = entry.index
    if sealed < linked:
        raise UserError(
            f"Nothing was sealed since '{project}' was linked, so nobody can have its spine",
            where=project,
            fix="Seal it first: `families-first study seal-spine`. If it is not wanted, give --unsent: every "
            "owner must then split anew before anybody can be linked.",
            code=ExitCode.REFUSED,
        )


def _find(act: Act, project: str) -> _Found:
    home, vault = act.home, Vault(act)
    spine = vault.find("spine", project)
    ours = {
        each.id
        for each in load_agreements(home.agreements).values()
        if each.study is not None and each.study.project == project
    }
    serials = set() if spine is None else set(spine.about["parcels"].values())
    splits = set() if spine is None else set(spine.about["splits"])
    parcels = []
    for each in vault.list("parcel"):
        manifest = manifest_of(each)
        if manifest.serial in serials or manifest.agreement.id in ours:
            parcels.append(each)
            splits.update(manifest.splits or ())

    def is_ours(manifest: Manifest) -> bool:
        return manifest.agreement.id in ours or bool(splits & set(manifest.splits or ()))

    return _Found(
        datasets=(*parcels, *(() if spine is None else (spine,))),
        files=(*_parcel_files(home, is_ours), *sorted(home.outbox.glob(f"{SAMPLE_PREFIX}{project}-*.csv"))),
    )


def _parcel_files(home: Home, is_ours: Callable[[Manifest], bool]) -> Iterator[Path]:
    for folder in (home.inbox, home.outbox):
        for path in sorted(folder.rglob(f"*{PARCEL_SUFFIX}")):
            try:
                manifest = read_parcel_file(path).manifest
            except ParcelRefusedError:
                continue  # no parcel, or damaged: nobody can say of which project it is
            if is_ours(manifest):
                yield path


def _plans(desk: Desk, project: str, found: _Found, keys: KeyProvider) -> list[Line]:
    """Return the plans to carry out: those begun and not certified, and new ones for what is in none."""
    home = desk.home
    register = read_register(home)
    certified = {each.certifies for each in register.of_kind(RecordKind.CERTIFICATE)}
    words = f"destruction-plan-identifiers-{project}"
    lines = [
        each
        for each in register.of_kind(RecordKind.PLAN)
        if each.sha256 not in certified and each.file.partition("-")[2] == f"{words}.note"
    ]
    planned = {dataset for line in lines for dataset in _plan_in(home, line).datasets}
    fresh = [each for each in found.datasets if each.dataset_id not in planned]
    files = len(found.files)
    for class_id in dict.fromkeys(each.retention_class for each in fresh):
        lines.append(_enter_plan(desk, words, class_id, fresh, keys, files=files))
        files = 0  # of no class: counted in one plan
    return lines


def _enter_plan(
    desk: Desk, words: str, class_id: str, fresh: list[DatasetInfo], keys: KeyProvider, *, files: int
) -> Line:
    home = desk.home
    going = {each.dataset_id for each in fresh if each.retention_class == class_id}
    held = [each for each in holdings_of(home, class_id) if each.entry.dataset_id in going]
    plan = DestructionPlan(
        home=home.name,
        retention_class=class_id,
        whole=False,
        begun_on=desk.today,
        masters=keys.masters(class_id),
        datasets=tuple(each.entry.dataset_id for each in held),
        files=sum(each.files for each in held),
        bytes=sum(each.bytes for each in held),
        inbox_files=files,
    )
    ensure_identity(home)
    note = sign_note(record_text(plan), signer_of(home))
    register = read_register(home)
    line = Line(
        file=next_file(register, words),
        kind=RecordKind.PLAN,
        sha256=sha256_of(note.encode()),
        entered=desk.today,
    )
    enter(home, line, note)
    return line


def _carry_out(home: Home, plan: DestructionPlan, keys: KeyProvider, *, on: date) -> list[str]:
    """Forget the datasets of a plan and destroy its masters; return those destroyed. May be repeated."""
    bury(home, datasets=plan.datasets, on=on)
    forget(home, plan.datasets)
    retired: list[str] = []
    # A rotation that somebody else began leaves its own master behind, which then goes in a second round.
    while set(plan.masters) & set(keys.masters(plan.retention_class)):
        retired += rotate(home, plan.retention_class, keys).retired
    bury(home, on=on)
    return retired


def _delete(files: Iterable[Path]) -> int:
    deleted = 0
    for path in files:
        with disk_refusals(path.parent.name):
            path.unlink(missing_ok=True)
            flush_folder(path.parent)
        deleted += 1
    return deleted


def _certificate(desk: Desk, project: str, line: Line) -> Path:
    """Write the certificate of a plan that was carried out into the outbox, to be signed and entered."""
    home, plan = desk.home, _plan_in(desk.home, line)
    expires = last_expiry(home)
    size = desk.log.size
    head = desk.log.store.head(size)
    certificate = Certificate(
        home=home.name,
        retention_class=plan.retention_class,
        whole=False,
        destroyed_on=desk.today,
        method=_METHOD.format(project=project),
        plan=line.sha256,
        masters=plan.masters,
        datasets=plan.datasets,
        files=plan.files,
        bytes=plan.bytes,
        inbox_files=plan.inbox_files,
        audit_size=size,
        audit_root=(head.root if head else desk.log.root()).hex(),
        backups_expire=expires,
        means=tuple(_means(plan, expires, on=desk.today)),
    )
    path = home.outbox / f"certificate-{line.file.partition('-')[0]}-identifiers-{project}.txt"
    make_private_folder(home.outbox)
    write_durably(path, record_text(certificate).encode())
    return path


def _means(plan: DestructionPlan, expires: date | None, *, on: date) -> Iterator[str]:
    """Yield what is left that could undo the destruction, in plain sentences."""
    yield (
        f"Of the files in inbox/ and outbox/, {plan.inbox_files} were deleted: the parcels of this project "
        "and samples drawn for review. Others were left."
    )
    if expires is None or expires < on:
        yield "No backup of this home that has not expired is known."
    else:
        yield (
            f"The last backup expires on {expires:%d %B %Y}; the keys in it were wrapped by masters that are "
            "destroyed, so what it holds of this project opens no more."
        )
    yield (
        "A copy of keys/ that somebody kept apart from before, together with a copy of vault/ from before, "
        "is not destroyed by this; it must be destroyed by whoever keeps it."
    )
    yield (
        "A parcel that its owner kept a copy of opens with this home's receiving key, which goes on. Owners "
        "delete what lies in their outboxes."
    )


def _plan_in(home: Home, line: Line) -> DestructionPlan:
    record = read_entered(home, line)
    assert isinstance(record, DestructionPlan)  # noqa: S101 - the register says that it is one
    return record


def _nothing(project: str) -> UserError:
    return UserError(
        f"There is nothing of the project '{project}' in this home",
        where=project,
        fix="Name the project as its agreements do. What was destroyed before has its certificate in "
        "retention/.",
        code=ExitCode.NOT_FOUND,
    )
