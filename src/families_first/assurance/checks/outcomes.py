"""Outcomes stay locked until a protocol was sealed and released: every key, every way of the program."""

import base64
import binascii
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import pyarrow as pa

from families_first.assurance.bench import Bench
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.column_attacks import unwraps, wrapped_keys
from families_first.assurance.sealed_before import hold_sealed_before
from families_first.assurance.small_protocol import PROTOCOL
from families_first.assurance.small_study import INBOX, PROJECT, PROTOCOLS, SmallStudy, request
from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.identity import receiver_of, signer_of
from families_first.governance.keys import KEY_BYTES
from families_first.governance.parcels import Addressee, Contents, open_parcel, reading_parcel, seal_parcel
from families_first.governance.parcels.column_keys import opened_key, released_key
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.manifest import Group
from families_first.governance.parcels.releases import Release, keep_release, protocol_file
from families_first.governance.study import accept_release, release_outcomes, request_release
from families_first.governance.study.release_request import ReleaseRequest
from families_first.governance.zone_file import Zone
from families_first.research.analysis.keeping import evaluate_extract
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.opening import Became, open_study_parcels
from families_first.research.protocol.sealing import seal_protocol

RESEARCHERS, PUBLISHER = "the researchers", "the publisher alone"
EVERY_HOME = "every home of the study, with every key file that it has"
LATE = "find something in what is open that happened when outcomes begin"
UNSEALED = "open outcomes by every way of the program, with no protocol sealed"
KEYS = "open the key or a column of a locked parcel"
UNRELEASED = "open outcomes by every way of the program, with no release"
FORGED = "open outcomes with a release that they wrote themselves"
ASKED = "release outcomes for a protocol that was not sealed"
EXCHANGED = "open outcomes with a release for another text, or of another parcel"
AFTERWARDS = "get the same outcomes for a protocol that was thought of afterwards"
_OUTCOMES_FROM = date(2022, 1, 1)
_OTHER = "another-question"
_CLOSED = (ExitCode.PARCEL, ExitCode.REFUSED)
_NOT_YET = (ExitCode.NOT_FOUND, ExitCode.REFUSED)
_DAYS = {"event": ("occurred_on",), "episode": ("started_on", "ended_on")}


@check(
    "protocol-sealed-before-outcomes",
    tries="open locked outcomes without the release that a protocol gets once it is sealed",
    unit="attempts to open",
    limit_seconds=120,
    attacks=(
        *((RESEARCHERS, what) for what in (LATE, UNSEALED, UNRELEASED, FORGED, EXCHANGED, AFTERWARDS)),
        (EVERY_HOME, KEYS),
        (PUBLISHER, ASKED),
    ),
)
def protocol_sealed_before_outcomes(bench: Bench) -> Findings:
    """Locked parcels, before a protocol is sealed, before its release, and with releases that are of
    something else; in the end they open."""
    tally, study = Tally(), bench.study()
    locked = study.locked()
    rows = sum(read_parcel_file(path).manifest.body.rows for path in locked)
    with tally.attack(RESEARCHERS, LATE):
        _look_for_late_days(tally, study)
    if not rows:
        tally.doubts.append("Nothing was locked in the first place.")
        return tally.findings("Outcomes were looked for among what was open before a protocol was sealed.")
    with tally.attack(RESEARCHERS, UNSEALED):
        _open_by_the_program(tally, study, locked)
        tally.refused(
            "a release was asked for without a sealed protocol",
            lambda: request_release(study.researcher, PROJECT, PROTOCOLS, locked),
            ExitCode.NOT_FOUND,
        )
    with tally.attack(EVERY_HOME, KEYS):
        _open_with_keys(tally, study, locked)
    seal_protocol(study.researcher, study.protocol_file())
    build_extract(study.researcher, PROJECT)
    with tally.attack(RESEARCHERS, UNRELEASED):
        _open_by_the_program(tally, study, locked)
    with tally.attack(RESEARCHERS, FORGED):
        _forge_releases(tally, study, locked)
    with tally.attack(PUBLISHER, ASKED):
        _ask_for_the_unsealed(tally, study)
    _misuse_a_release(tally, study, locked)
    for home in bench.examined():
        if home.zone is Zone.RESEARCH:
            hold_sealed_before(tally, home, ("open-parcel",), did="opened outcomes")
    return tally.findings(
        f"{len(locked)} locked parcels of {rows:,} rows were opened before a protocol was sealed, before its "
        "release, with every key file of every home, with forged, edited and exchanged releases, and for "
        "texts that were not sealed. After sealing and release they opened; then another protocol asked for "
        "the same outcomes. The logs of the homes were read: what was opened, and what was sealed before."
    )


def _look_for_late_days(tally: Tally, study: SmallStudy) -> None:
    for (owner, section), rows in study.linked_rows().items():
        late = [
            each
            for name in _DAYS.get(section, ())
            for each in rows[name].to_pylist()
            if each is not None and each >= _OUTCOMES_FROM
        ]
        tally.count(rows.num_rows, [f"{len(late)} days of outcomes of {owner} were open"] if late else [])


def _open_by_the_program(tally: Tally, study: SmallStudy, locked: list[Path]) -> None:
    researcher = study.researcher
    for path in locked:
        tally.refused("a locked parcel was opened", lambda path=path: open_parcel(researcher, path), *_CLOSED)  # type: ignore[misc]
        tally.refused("a locked parcel was read", lambda path=path: _read_all(study, path), *_CLOSED)  # type: ignore[misc]
    verdicts = open_study_parcels(researcher, locked).verdicts
    opened = [each for each in verdicts if each.became is Became.OPENED]
    tally.count(len(verdicts), ["a locked parcel was opened with its study"] * len(opened))
    tally.refused("outcomes were opened", lambda: open_outcomes(researcher, PROJECT), *_NOT_YET)
    tally.refused("outcomes were evaluated", lambda: evaluate_extract(researcher, PROJECT), *_NOT_YET)


def _read_all(study: SmallStudy, path: Path) -> int:
    with reading_parcel(study.researcher, path) as parcel:
        return sum(batch.num_rows for batch in parcel.batches())


def _open_with_keys(tally: Tally, study: SmallStudy, locked: list[Path]) -> None:
    """Try every home's own identity, and every secret in its key files, on each locked group and column."""
    publication = study.homes.publication
    secrets = {home.name: list(_secrets_of(home)) for home in study.homes.each()}
    for path in locked:
        manifest = read_parcel_file(path).manifest
        for group in manifest.locked:
            for home in study.homes.each():
                identity = receiver_of(home)
                what = f"the {home.zone} home opened the key of a locked group"
                tally.holds(opened_key(group.key, manifest.serial, group.name, identity) is None, what)
                inner = released_key(group.key, manifest.serial, group.name, identity)
                if home.name != publication.name:
                    tally.holds(inner is None, f"the {home.zone} home took the lock off")
                elif inner is None:
                    tally.doubts.append("The publisher cannot take the lock off that is for it to take off.")
                else:
                    tally.holds(opened_key(inner, manifest.serial, group.name, identity) is None, what)
        wrapped = wrapped_keys(path, receiver_of(study.homes.research))
        if not wrapped:
            tally.doubts.append("No wrapped column key was found in a locked parcel, so none was tried.")
        for key, (group_name, each) in product({one for found in secrets.values() for one in found}, wrapped):
            what = "a secret of a home opens a locked column"
            tally.holds(not unwraps(key, each, manifest.serial, group_name), what)


def _secrets_of(home: Home) -> Iterator[bytes]:
    """Yield what in a home's key files may be a key: the first and the last bytes, as they are or decoded."""
    for path in sorted(home.keys.rglob("*")):
        if path.is_file():
            content = path.read_bytes().strip()
            for form in (content, *_decoded(content)):
                if len(form) >= KEY_BYTES:
                    yield form[:KEY_BYTES]
                    yield form[-KEY_BYTES:]


def _decoded(content: bytes) -> Iterator[bytes]:
    for decode in (base64.b64decode, binascii.unhexlify):
        try:
            yield decode(content)
        except (binascii.Error, ValueError):
            continue


def _forge_releases(tally: Tally, study: SmallStudy, locked: list[Path]) -> None:
    research = study.homes.research
    sha256 = hashlib.sha256(protocol_file(research, PROJECT).read_bytes()).hexdigest()
    for home in (research, study.homes.linkage, study.homes.council):
        for path in locked:
            manifest = read_parcel_file(path).manifest
            forged = Release(manifest.serial, PROJECT, sha256, _keys(manifest.locked))
            keep_release(research, forged, forged.signed(signer_of(home)))
            _must_stay_shut(tally, study, path, f"a release that the {home.zone} home wrote was taken")
            (research.root / "releases" / f"{manifest.serial}.note").unlink()


def _keys(groups: tuple[Group, ...]) -> dict[str, str]:
    return {group.name: group.key for group in groups}


def _must_stay_shut(tally: Tally, study: SmallStudy, path: Path, what: str) -> None:
    tally.refused(what, lambda: _read_all(study, path), *_CLOSED)


def _ask_for_the_unsealed(tally: Tally, study: SmallStudy) -> None:
    """Ask the publisher with the true proof and another text, with that text's hash, and with an edited
    proof."""
    with reading_parcel(study.checker, request(study)) as parcel:
        true = ReleaseRequest.of(pa.Table.from_batches(list(parcel.batches())), where="request")
    other = PROTOCOL.replace("regression", "matching")
    sha256 = hashlib.sha256(other.encode()).hexdigest()
    for what, false in (
        ("with a text that was not sealed", replace(true, text=other)),
        ("with a text that was not sealed, and its hash", replace(true, text=other, protocol_sha256=sha256)),
        ("under an id that was not sealed", replace(true, protocol=_OTHER)),
        (
            "with an entry that was edited",
            replace(true, entry=true.entry.replace(true.protocol_sha256, sha256)),
        ),
        ("without a proof", replace(true, proof="")),
    ):
        path = _sent(study, false)
        tally.refused(
            f"outcomes were released {what}",
            lambda path=path: release_outcomes(study.checker, path, PROTOCOLS),  # type: ignore[misc]
            *_CLOSED,
        )


def _sent(study: SmallStudy, asked: ReleaseRequest) -> Path:
    table = asked.as_table()
    sealed = seal_parcel(
        study.researcher,
        table.to_batches(),
        schema=table.schema,
        agreement=PROTOCOLS,
        to=[Addressee(study.homes.publication.name, Contents.PROTOCOL)],
    )
    return Path(shutil.move(sealed.path, study.homes.publication.inbox / sealed.path.name))


def _misuse_a_release(tally: Tally, study: SmallStudy, locked: list[Path]) -> None:
    """Get the true release; edit the protocol, exchange the releases; at last open, as it should be."""
    research, researcher = study.homes.research, study.researcher
    kept = protocol_file(research, PROJECT)
    text = kept.read_bytes()
    with tally.attack(RESEARCHERS, EXCHANGED):
        released = release_outcomes(study.checker, request(study), PROTOCOLS).parcel.path
        kept.write_bytes(text.replace(b"regression", b"matching"))
        tally.refused(
            "a release was taken in for an edited protocol",
            lambda: accept_release(researcher, released),
            *_CLOSED,
        )
        kept.write_bytes(text)
        accept_release(researcher, Path(shutil.copy(released, research.inbox / INBOX)))
        notes = {path: research.root / "releases" / f"{_serial(path)}.note" for path in locked}
        true = {path: note.read_bytes() for path, note in notes.items()}
        for path, other in zip(locked, [*locked[1:], locked[0]], strict=True):
            notes[path].write_bytes(true[other])
            _must_stay_shut(tally, study, path, "the release of another parcel was taken")
            notes[path].write_bytes(true[path])
        for what, edited in (
            ("edited", text.replace(b"regression", b"matching")),
            ("made longer by a line", text + b"\n"),
            ("gone", b""),
        ):
            if edited:
                kept.write_bytes(edited)
            else:
                kept.unlink()
            for path in locked:
                _must_stay_shut(tally, study, path, f"it opened though the protocol was {what}")
            tally.refused("outcomes were opened", lambda: open_outcomes(researcher, PROJECT), *_NOT_YET)
            kept.write_bytes(text)
    if not _opens(study, locked):
        tally.doubts.append("What was released for the sealed protocol does not open.")
    with tally.attack(RESEARCHERS, AFTERWARDS):
        later = PROTOCOL.replace(f'id = "{PROJECT}"', f'id = "{_OTHER}"', 1)
        seal_protocol(researcher, study.protocol_file(later, "later.toml"))
        asked = request(study, _OTHER)
        tally.refused(
            "outcomes were released a second time, for another protocol",
            lambda: release_outcomes(study.checker, asked, PROTOCOLS),
            *_CLOSED,
        )
        build_extract(researcher, _OTHER)
        tally.refused(
            "outcomes were opened for a protocol to which they were not released",
            lambda: open_outcomes(researcher, _OTHER),
            *_NOT_YET,
        )
        tally.refused(
            "outcomes were evaluated by a protocol to which they were not released",
            lambda: evaluate_extract(researcher, _OTHER),
            *_NOT_YET,
        )


def _opens(study: SmallStudy, locked: list[Path]) -> bool:
    try:
        verdicts = open_study_parcels(study.researcher, locked).verdicts
        opened = open_outcomes(study.researcher, PROJECT)
    except UserError:
        return False
    return {each.became for each in verdicts} == {Became.OPENED} and opened.people > 0


def _serial(path: Path) -> str:
    return read_parcel_file(path).manifest.serial
