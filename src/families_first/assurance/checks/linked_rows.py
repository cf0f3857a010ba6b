"""Linked rows tried for by everybody who must not have them: every role, every key, every parcel."""

import shutil
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from families_first.assurance.bench import Bench, called
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.column_attacks import unwraps, wrapped_keys
from families_first.assurance.every_permit import EveryPermit
from families_first.assurance.small_study import INBOX, PROJECT, SmallStudy
from families_first.assurance.study_records import OWNERS
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Desk
from families_first.governance.home import Home
from families_first.governance.identity import receiver_of
from families_first.governance.keys import KEY_BYTES
from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.column_keys import FOOTER, opened_key
from families_first.governance.parcels.container import PARCEL_SUFFIX, read_parcel_file
from families_first.governance.policy import Resource
from families_first.governance.purposes import Purpose
from families_first.governance.staff import StaffMember, read_staff, write_staff
from families_first.governance.vault import Vault
from families_first.governance.vault.holdings import index_of
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import Zone

LINKED = frozenset({"spine", "linked", "extract", "outcomes", "results"})
"""The kinds of dataset that hold linked records, or what was made of them."""

COUNCIL, OWNER = "the council", "a data owner"
LINKER, RESEARCHERS, PUBLISHER = "the linker", "the researchers", "the publisher"
OPENING = "open every parcel of the study that is not for them, in every role"
ACTING = "do what reaches linked records, in every role"
SITTING = "do it in the home of the linker or the researchers, entered in its staff register in every role"
KEYS = "open linked records with every key that they have"
WRAPPED = "open a parcel's keys with their own, and its columns with every secret in their key files"
HOLDING = "find linked records, or a parcel of the study, in what they hold"

_NO_ENTRY = (ExitCode.REFUSED, ExitCode.PARCEL, ExitCode.AGREEMENT)
_SHUT = (ExitCode.VAULT,)
_WORTH_HAVING = LINKED | {"parcel"}


@check(
    "linked-rows-out-of-reach",
    tries="reach one linked row as an agency, a payload row as the linker, or an identifier as a researcher",
    unit="attempts",
    limit_seconds=180,
    attacks=(
        *product((COUNCIL, OWNER, LINKER, RESEARCHERS, PUBLISHER), (OPENING, WRAPPED, KEYS)),
        *product((COUNCIL, OWNER), (ACTING, HOLDING)),
        (COUNCIL, SITTING),
    ),
)
def linked_rows_out_of_reach(bench: Bench) -> Findings:
    """A small study to its end, whose linked rows are there; and everybody of its other homes, with what they
    hold."""
    tally, study = Tally(), bench.study(to_its_end=True)
    rows = sum(table.num_rows for table in study.linked_rows().values())
    if not rows or not study.extract()["person"].num_rows:
        tally.doubts.append("There were no linked rows to reach.")
    homes = study.homes
    attackers = (
        (COUNCIL, homes.council),
        *((OWNER, home) for owner, home in homes.owners.items() if owner in OWNERS),
        (LINKER, homes.linkage),
        (RESEARCHERS, homes.research),
        (PUBLISHER, homes.publication),
    )
    for who, home in attackers:
        with tally.attack(who, OPENING):
            _open_parcels(tally, study, home)
        with tally.attack(who, WRAPPED):
            _open_keys(tally, study, home)
        if who != RESEARCHERS:
            with tally.attack(who, KEYS):
                _open_vault(tally, bench, study, home, of=homes.research)
        if who != LINKER:
            with tally.attack(who, KEYS):
                _open_vault(tally, bench, study, home, of=homes.linkage)
        if who in (COUNCIL, OWNER):
            with tally.attack(who, ACTING):
                _act(tally, study, home)
            if home is homes.council:
                with tally.attack(who, SITTING):
                    _sit_elsewhere(tally, study, home)
            with tally.attack(who, HOLDING):
                _look_at(tally, home)
    for home in bench.examined():
        if home.zone in (Zone.COUNCIL, Zone.OWNER):
            with tally.attack(COUNCIL if home.zone is Zone.COUNCIL else OWNER, HOLDING):
                _look_at(tally, home)
    return tally.findings(
        f"A small study was gone through to its {rows:,} linked rows. Everybody of a council, of two data "
        "owners, the linker, the researchers and the publisher opened each parcel that is not theirs. "
        "Council and owners asked for every act that reaches linked records, the council also entered as "
        "staff of the linker and the researchers. Every key of each was put on the vaults and the parcels. "
        "What the examined council and owners hold was looked through."
    )


def _people(home: Home) -> Iterable[StaffMember]:
    return read_staff(home).people.values()


def _desks(study: SmallStudy, home: Home) -> Iterator[Desk]:
    for person in _people(home):
        yield Desk(home, person, Purpose.RESEARCH, clock=study.clock)


def _parcels(study: SmallStudy) -> list[Path]:
    """Return every parcel of the study, wherever it came to."""
    return [
        path
        for home in (study.homes.linkage, study.homes.research, study.homes.publication)
        for path in sorted((home.inbox / INBOX).glob(f"*{PARCEL_SUFFIX}"))
    ]


def _of_others(study: SmallStudy, home: Home) -> list[Path]:
    return [each for each in _parcels(study) if read_parcel_file(each).manifest.recipient(home.name) is None]


def _open_parcels(tally: Tally, study: SmallStudy, home: Home) -> None:
    paths = _of_others(study, home)
    for desk in _desks(study, home):
        for path in paths:
            tally.refused(
                f"{called(home)} opened a parcel that is not for it",
                lambda desk=desk, path=path: open_parcel(desk, path),  # type: ignore[misc]
                *_NO_ENTRY,
            )


def _open_keys(tally: Tally, study: SmallStudy, home: Home) -> None:
    identity = receiver_of(home)
    secrets = {each for path in home.keys.rglob("*") if path.is_file() for each in _ends_of(path)}
    for path in _of_others(study, home):
        manifest = read_parcel_file(path).manifest
        keys = {FOOTER: manifest.footer_key, **{group.name: group.key for group in manifest.groups}}
        for name, key in keys.items():
            none = opened_key(key, manifest.serial, name, identity) is None
            tally.holds(none, f"a key of {called(home)} opens a parcel that is not for it")
        recipient = next(each for each in study.homes.each() if manifest.recipient(each.name))
        wrapped = wrapped_keys(path, receiver_of(recipient))  # as it would be given its footer
        for group, each in wrapped:
            opens = any(unwraps(secret, each, manifest.serial, group) for secret in secrets)
            tally.holds(not opens, f"a secret of {called(home)} opens a column of another's parcel")


def _ends_of(path: Path) -> Iterator[bytes]:
    content = path.read_bytes().strip()
    if len(content) >= KEY_BYTES:
        yield content[:KEY_BYTES]
        yield content[-KEY_BYTES:]


def _open_vault(tally: Tally, bench: Bench, study: SmallStudy, home: Home, *, of: Home) -> None:
    """Put a home's keys into the place of another's, and read every dataset there, whatever is permitted."""
    copy = bench.room() / "home"
    shutil.copytree(of.root, copy)
    shutil.rmtree(copy / "keys")
    shutil.copytree(home.keys, copy / "keys")
    robbed = Home.open(copy)
    for kind in sorted({each.kind for each in index_of(of).entries} & _WORTH_HAVING):
        if not _read(of, of, kind):
            tally.doubts.append(f"There is no row of {kind} in {called(of)}, whoever has the key.")
        tally.refused(
            f"the keys of {called(home)} open {kind} of {called(of)}",
            lambda kind=kind: _read(robbed, of, kind),  # type: ignore[misc]
            *_SHUT,
        )


def _read(robbed: Home, of: Home, kind: str) -> int:
    """Read all that a vault holds of a kind, listed with the true keys; no policy or log is in the way."""
    held = Vault(EveryPermit(of)).list(kind)  # type: ignore[arg-type]
    vault = Vault(EveryPermit(robbed))
    return sum(vault.read(each, table).num_rows for each in held for table in each.tables)


def _reaching() -> Iterator[tuple[str, Resource]]:
    """Yield every act that the vocabulary lets read or write linked records, but for those on parcels."""
    for action in vocabulary().actions.values():
        if LINKED & ({*action.reads} | {*action.writes}) and action.resource != "Parcel":
            yield action.id, Resource(action.resource, PROJECT)


def _act(tally: Tally, study: SmallStudy, home: Home) -> None:
    for desk in _desks(study, home):
        for action, resource in _reaching():
            _refused_act(tally, desk, action, resource, f"somebody of {called(home)} may {action}")


def _refused_act(tally: Tally, desk: Desk, action: str, resource: Resource, what: str) -> None:
    def act() -> None:
        with desk.act(action, resource, agreement_in_force=True):
            pass

    tally.refused(what, act, ExitCode.REFUSED)


def _sit_elsewhere(tally: Tally, study: SmallStudy, home: Home) -> None:
    """Enter people of an agency in the staff registers of the linker and the researchers, in every role."""
    for there in (study.homes.linkage, study.homes.research):
        before = (there.root / "staff.toml").read_bytes()
        for person in _people(home):
            tally.refused(
                f"somebody of {called(home)} has a desk in {called(there)}",
                lambda person=person, there=there: _desk_of_a_stranger(study, there, person),  # type: ignore[misc]
                ExitCode.REFUSED,
                ExitCode.NOT_FOUND,
                ExitCode.USAGE,
            )
        for role in vocabulary().roles:
            stranger = StaffMember(
                id="made-up-stranger",
                name="Made-up stranger",
                roles=(role,),
                organisation=home.organisation_kind,
                second_factor=True,
            )
            _sit(tally, study, there, stranger, called(home))
        (there.root / "staff.toml").write_bytes(before)


def _desk_of_a_stranger(study: SmallStudy, there: Home, person: StaffMember) -> None:
    if person.id in read_staff(there).people:
        person = _elsewhere(person)
    Desk.of(there, person.id, Purpose.RESEARCH, clock=study.clock)


def _elsewhere(person: StaffMember) -> StaffMember:
    """Return a person under an id that the other home has nobody of: homes may use the same ids."""
    return person.model_copy(update={"id": f"{person.id}-of-an-agency"})


def _sit(tally: Tally, study: SmallStudy, there: Home, stranger: StaffMember, whose: str) -> None:
    try:
        write_staff(there, *{**read_staff(there).people, stranger.id: stranger}.values())
    except UserError:
        tally.holds(True, "")  # the register itself takes nobody of such an organisation in such a role
        return
    desk = Desk(there, stranger, Purpose.RESEARCH, clock=study.clock)
    for action, resource in _reaching():
        what = f"somebody of {whose} may {action} in {called(there)} as {stranger.roles[0]}"
        _refused_act(tally, desk, action, resource, what)


def _look_at(tally: Tally, home: Home) -> None:
    """Look for linked records in a vault's index, and for parcels of a study that came to an agency."""
    kinds = [each.kind for each in index_of(home).entries]
    tally.holds(not LINKED & set(kinds), f"{called(home)} has linked records")
    tally.holds("parcel" not in kinds, f"{called(home)} has opened a parcel")
    for folder in (home.inbox, home.outbox):
        for path in sorted(folder.rglob(f"*{PARCEL_SUFFIX}")):
            try:
                manifest = read_parcel_file(path).manifest
            except UserError:
                continue  # no parcel, whatever it is called
            tally.holds(manifest.recipient(home.name) is None, f"a parcel to {called(home)} lies there")
