"""Parcels on forbidden ways, in wrong hands, opened twice, altered, from impostors: tried between made-up
homes."""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path

import pyarrow as pa

from families_first.assurance.bench import Bench, called, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.errors import ExitCode
from families_first.governance.desk import Clock, Desk, utc_now
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE, ensure_identity, partners_of
from families_first.governance.parcels import (
    Addressee,
    Contents,
    SealedParcel,
    add_partner,
    fingerprint_of,
    open_parcel,
    seal_parcel,
)
from families_first.governance.purposes import Purpose
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import ORGANISATION_KINDS, Zone

AGREEMENT = "made-up-study"
_ROWS = pa.table({"row_key": ["k1", "k2", "k3"], "value": ["a", "b", "c"]})
_ROLE = {
    Zone.COUNCIL: "data-lead",
    Zone.LINKAGE: "linker",
    Zone.RESEARCH: "researcher",
    Zone.PUBLICATION: "output-checker",
    Zone.OWNER: "data-lead",
}
_WAYS = (
    (Contents.IDENTIFIERS, Zone.COUNCIL, Zone.LINKAGE),
    (Contents.IDENTIFIERS, Zone.OWNER, Zone.LINKAGE),
    (Contents.PAYLOAD, Zone.COUNCIL, Zone.RESEARCH),
    (Contents.PAYLOAD, Zone.OWNER, Zone.RESEARCH),
    (Contents.SPINE, Zone.LINKAGE, Zone.RESEARCH),
    (Contents.OUTPUTS, Zone.RESEARCH, Zone.PUBLICATION),
    (Contents.PROTOCOL, Zone.RESEARCH, Zone.PUBLICATION),
    (Contents.RELEASE, Zone.PUBLICATION, Zone.RESEARCH),
)
_RECEIVE_NOTHING = (Zone.COUNCIL, Zone.OWNER)  # of a study
_PURPOSES = ("research", "identify-and-support")


@dataclass(frozen=True, slots=True)
class _Study:
    """A home of each zone; they know one another and agree to everything, so that the policy alone stands
    between them."""

    homes: Mapping[Zone, Home]
    day: date

    def home(self, zone: Zone) -> Home:
        return self.homes[zone]

    def desk(self, zone: Zone, *, clock: Clock = utc_now, purpose: Purpose = Purpose.RESEARCH) -> Desk:
        return desk_as(self.home(zone), _ROLE[zone], purpose=purpose, clock=clock)


def _study(bench: Bench) -> _Study:
    day = bench.clock().date()
    homes = {home.zone: home for home in bench.made_up_homes().each()}  # of the data owners, the last
    text = _agreement(homes.values(), day)
    for home in homes.values():
        write_durably(home.agreements / f"{AGREEMENT}.toml", text.encode(), mode=0o644)
        for other in homes.values():
            if other is not home:
                shutil.copyfile(other.root / IDENTITY_FILE, home.partners / f"{other.name}.toml")
    return _Study(homes, day)


def _agreement(homes: Collection[Home], day: date) -> str:
    retention_class = next(iter(homes)).retention_classes[0].id
    parties = "\n".join(f'[[parties]]\nname = "{home.organisation}"\nrole = "controller"' for home in homes)
    files = "\n".join(
        f'[files.{each.value}]\ncontents = "{each.value}"\n'
        f'[files.{each.value}.columns]\nrow_key = "Keeps the rows of one person together"\n'
        f'{each.value} = "A made-up column that stands for all others"'
        for each in Contents
    )
    return "\n".join(
        [
            f'id = "{AGREEMENT}"',
            'title = "A made-up agreement to everything"',
            "made_up = true",
            f"purposes = [{', '.join(f'"{each}"' for each in _PURPOSES)}]",
            f"in_force_from = {(day - timedelta(days=30)).isoformat()}",
            f"in_force_to = {(day + timedelta(days=30)).isoformat()}",
            f"review_on = {(day + timedelta(days=20)).isoformat()}",
            f'retention_class = "{retention_class}"',
            'row_key = "row_key"',
            parties,
            '[gateway]\ntag = "other"\nname = "Made up"\nprovision = "Made up"',
            files,
            "",
        ]
    )


def _seal(desk: Desk, to: Home, contents: Contents) -> SealedParcel:
    rows = _ROWS.rename_columns(["row_key", contents.value])
    return seal_parcel(
        desk,
        rows.to_batches(),
        schema=rows.schema,
        agreement=AGREEMENT,
        to=[Addressee(to.name, contents)],
    )


def _sealing(desk: Desk, to: Home, contents: Contents) -> Callable[[], SealedParcel]:
    return lambda: _seal(desk, to, contents)


def _opening(desk: Desk, path: Path) -> Callable[[], object]:
    return lambda: open_parcel(desk, path)


@check(
    "forbidden-parcel-routes",
    tries="send data off its way, such as from research to the council, and open it there",
    unit="parcels",
    limit_seconds=90,
)
def forbidden_parcel_routes(bench: Bench) -> Findings:
    """Each kind of content, from each home to each other; then parcels to the council and to a data owner,
    sealed by a sender who lies about who they are."""
    tally, study = Tally(), _study(bench)
    for contents, sender, recipient in product(Contents, Zone, Zone):
        if recipient is sender or (contents, sender, recipient) in _WAYS:
            continue
        # For another purpose than its own nothing goes anywhere, so that would show nothing of the ways.
        purpose = Purpose.IDENTIFY_AND_SUPPORT if contents is Contents.RECORDS else Purpose.RESEARCH
        tally.refused(
            f"sealed {contents.value} from {sender} to {recipient}",
            _sealing(study.desk(sender, purpose=purpose), study.home(recipient), contents),
            ExitCode.REFUSED,
        )
    for victim, (contents, sender, way) in product(_RECEIVE_NOTHING, _WAYS):
        if sender in _RECEIVE_NOTHING:
            continue
        forged = _sealed_by_a_lie(study, sender, contents, victim=victim, lie=way)
        for purpose in (Purpose.RESEARCH, Purpose.IDENTIFY_AND_SUPPORT):
            codes = (
                (ExitCode.REFUSED,) if purpose is Purpose.RESEARCH else (ExitCode.REFUSED, ExitCode.PARCEL)
            )
            opener = study.desk(victim, purpose=purpose)
            what = f"the {victim} home opened {contents.value} from {sender}, for {purpose}"
            tally.refused(what, _opening(opener, forged), *codes)
    for victim in _RECEIVE_NOTHING:
        left = sum(1 for _ in _parcels_in(study.home(victim)))
        tally.holds(left == 0, f"{left} parcels are in the vault of the {victim} home")
    study = _study(bench)
    for contents, sender, recipient in _WAYS:  # the ways that are open must be
        parcel = _seal(study.desk(sender), study.home(recipient), contents)
        open_parcel(study.desk(recipient), parcel.path)
    return tally.findings(
        "Each kind of content was sealed from each home to each other on every way that is not its own; a "
        "linker, a researcher and an output checker then lied about who the council and a data owner are, so "
        "that their homes sealed, and the two tried to open what came. The "
        f"{len(_WAYS)} ways that are open were gone to their ends."
    )


def _sealed_by_a_lie(study: _Study, sender: Zone, contents: Contents, *, victim: Zone, lie: Zone) -> Path:
    """Return a parcel to a home from one whose register of partners calls it something else."""
    home, to = study.home(sender), study.home(victim)
    text = (to.root / IDENTITY_FILE).read_text("utf-8")
    for true, false in (
        (f'zone = "{victim}"', f'zone = "{lie}"'),
        (f'organisation_kind = "{to.organisation_kind}"', f'organisation_kind = "{ORGANISATION_KINDS[lie]}"'),
    ):
        text = text.replace(true, false)
    write_durably(home.partners / f"{to.name}.toml", text.encode(), mode=0o644)
    return _seal(study.desk(sender), to, contents).path


def _parcels_in(home: Home) -> Iterator[Path]:
    return (home.vault / "datasets").glob("*")


@check(
    "parcels-open-for-whom-they-are",
    tries="open a parcel as another home, twice, altered, cut short, or after its agreement",
    unit="attempts to open",
    limit_seconds=60,
)
def parcels_open_for_whom_they_are(bench: Bench) -> Findings:
    """A sound parcel from the council to the linker, in wrong hands and in every wrong state; at last opened,
    once."""
    tally, study, room = Tally(), _study(bench), bench.room()
    council, linker = study.desk(Zone.COUNCIL), study.desk(Zone.LINKAGE)
    path = _seal(council, study.home(Zone.LINKAGE), Contents.IDENTIFIERS).path
    for zone in (Zone.RESEARCH, Zone.PUBLICATION):
        tally.refused(
            f"the {zone} home opened the linker's parcel", _opening(study.desk(zone), path), ExitCode.PARCEL
        )
    for place in range(0, path.stat().st_size, max(1, path.stat().st_size // 40)):
        altered = room / "altered.parcel"
        content = bytearray(path.read_bytes())
        content[place] ^= 1
        altered.write_bytes(content)
        tally.refused(f"opened it with byte {place} altered", _opening(linker, altered), *_ALTERED)
    for length in (0, 100, path.stat().st_size // 2, path.stat().st_size - 1):
        short = room / "short.parcel"
        short.write_bytes(path.read_bytes()[:length])
        tally.refused(f"opened it cut short at {length}", _opening(linker, short), ExitCode.PARCEL)
    late = study.desk(Zone.LINKAGE, clock=_days_on(bench, 31))
    tally.refused("opened it after the agreement had ended", _opening(late, path), ExitCode.AGREEMENT)
    study = _study(bench)  # anew: the linker's log has seen that day
    path = _seal(study.desk(Zone.COUNCIL), study.home(Zone.LINKAGE), Contents.IDENTIFIERS).path
    linker = study.desk(Zone.LINKAGE)
    opened = open_parcel(linker, path)
    tally.holds(opened.rows == _ROWS.num_rows, "it did not hold the rows that were sealed")
    shutil.copyfile(path, room / "renamed.parcel")
    for copy in (path, room / "renamed.parcel"):
        tally.refused("opened it a second time", _opening(linker, copy), ExitCode.PARCEL)
    expired = study.desk(Zone.COUNCIL, clock=_days_on(bench, 31))
    tally.refused(
        "sealed one after the agreement had ended",
        _sealing(expired, study.home(Zone.LINKAGE), Contents.IDENTIFIERS),
        ExitCode.AGREEMENT,
    )
    return tally.findings(
        "A parcel for the linker was opened by other homes, with single bits altered from its first byte "
        "to its last, cut short, and after its agreement had ended; then by the linker, and again under "
        "two names."
    )


_ALTERED = (ExitCode.PARCEL, ExitCode.AGREEMENT, ExitCode.REFUSED)


def _days_on(bench: Bench, days: int) -> Callable[[], datetime]:
    return lambda: bench.clock() + timedelta(days=days)


@check(
    "partners-are-who-they-say",
    tries="pass as a partner with other keys, or be taken on without a fingerprint that was compared",
    unit="attempts and partners",
    limit_seconds=60,
)
def partners_are_who_they_say(bench: Bench) -> Findings:
    """An impostor of the council seals for the linker, and asks to be taken on; and the homes' own partners
    are read."""
    tally, study, impostors = Tally(), _study(bench), _study(bench)
    linker = study.desk(Zone.LINKAGE)
    false = impostors.home(Zone.COUNCIL)
    # The impostor knows all that is public: the linker's keys, names, and the agreement's text.
    home = study.home(Zone.LINKAGE)
    shutil.copyfile(home.root / IDENTITY_FILE, false.partners / f"{home.name}.toml")
    shutil.copyfile(home.agreements / f"{AGREEMENT}.toml", false.agreements / f"{AGREEMENT}.toml")
    parcel = _seal(impostors.desk(Zone.COUNCIL), home, Contents.IDENTIFIERS).path
    tally.refused("a parcel of an impostor was opened", _opening(linker, parcel), ExitCode.PARCEL)
    custodian = desk_as(home, "custodian", purpose=Purpose.PROTECT_DATA)
    identity = false.root / IDENTITY_FILE
    right = fingerprint_of(ensure_identity(false))
    for what, fingerprint in (
        ("without a fingerprint", ""),
        ("with another's fingerprint", fingerprint_of(ensure_identity(study.home(Zone.RESEARCH)))),
        ("with a fingerprint cut short", right[:-1]),
        ("with other keys than it is known by", right),
    ):
        tally.refused(
            f"an impostor was taken on {what}",
            lambda fingerprint=fingerprint: add_partner(custodian, identity, compared=fingerprint),  # type: ignore[misc]
            ExitCode.PARCEL,
        )
    known = 0
    for home in bench.examined():
        for partner in partners_of(home).values():
            known += 1
            kind = vocabulary().organisations.get(partner.organisation_kind)
            split_only = partner.zone in _RECEIVE_NOTHING
            independent = split_only or (kind is not None and not kind.public_agency)
            tally.holds(
                independent, f"{partner.name}, a partner of {called(home)}, is run by a public agency"
            )
    return tally.findings(
        "An impostor with everything of the council but its key sealed a parcel for the linker and asked "
        f"to be taken on; and {known} partners of the homes were read: who runs each, and whether its key "
        "is one."
    )
