"""Attempts to pass off a parcel: forged, signed anew, cut up and put together otherwise, handed on."""

import base64
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pyrage
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE, ensure_identity, receiver_of
from families_first.governance.notes import Signer, sign_note
from families_first.governance.parcels import (
    Manifest,
    ParcelRefusedError,
    Reason,
    add_partner,
    fingerprint_of,
    open_parcel,
)
from families_first.governance.parcels.container import ending, read_parcel_file
from families_first.governance.purposes import Purpose
from made_up_desk import open_desk
from made_up_parcels import COUNCIL, LINKAGE, RESEARCH, ROWS, Circle, circle_at, circle_in, resealed


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("forgery") / "homes"
    circle_in(root)
    return root


@pytest.fixture
def circle(pattern: Path, tmp_path: Path) -> Circle:
    shutil.copytree(pattern, tmp_path / "homes")
    return circle_at(tmp_path / "homes")


def refused(circle: Circle, path: Path) -> Reason:
    with pytest.raises(ParcelRefusedError) as refusal:
        open_parcel(circle.linkage, path)
    assert not list((circle.linkage.home.vault / "datasets").glob("*"))
    return refusal.value.reason


def test_a_forger_who_calls_themselves_the_council_is_refused(circle: Circle) -> None:
    path = circle.send().path
    assert refused(circle, resealed(path, path, by=Signer.from_seed(COUNCIL, bytes(32)))) == Reason.SIGNATURE


def test_a_second_signature_does_not_help_and_does_not_pass(circle: Circle) -> None:
    path = circle.send().path
    parcel = read_parcel_file(path)
    note = sign_note(parcel.note, Signer.from_seed("stranger", bytes(32)))
    path.write_bytes(parcel.body.to_pybytes() + ending(note))
    assert refused(circle, path) == Reason.FORM


def test_another_partner_who_signs_a_parcel_as_its_own_cannot_have_it_opened(circle: Circle) -> None:
    """Research sends on what it got: under its own name, its own serial, with the same keys and body."""
    path = circle.send().path
    research = circle.research.home
    own = ensure_identity(research).verifier.key_id.hex()

    def mine(manifest: Manifest) -> Manifest:
        sender = manifest.sender.model_copy(update={"name": RESEARCH, "organisation": "Madeup University"})
        return manifest.model_copy(update={"sender": sender, "serial": own + manifest.serial[8:]})

    # Even if linkage took it for a home of the council zone, from which identifiers may come.
    told = next(circle.linkage.home.partners.glob("research*"))
    told.write_text(
        told.read_text(encoding="utf-8").replace('zone = "research"', 'zone = "council"'), encoding="utf-8"
    )
    assert refused(circle, resealed(path, path, by=research, change=mine)) == Reason.KEY


def test_a_partner_cannot_use_a_serial_of_another_home(circle: Circle) -> None:
    path = circle.send().path

    def mine(manifest: Manifest) -> Manifest:
        sender = manifest.sender.model_copy(update={"name": RESEARCH, "organisation": "Madeup University"})
        return manifest.model_copy(update={"sender": sender})

    assert refused(circle, resealed(path, path, by=circle.research.home, change=mine)) == Reason.SIGNATURE


def test_bodies_exchanged_between_two_parcels_are_refused(circle: Circle) -> None:
    one, two = circle.send().path, circle.send().path
    first, second = read_parcel_file(one), read_parcel_file(two)
    assert first.manifest.body.bytes == second.manifest.body.bytes
    bodies = first.body.to_pybytes(), second.body.to_pybytes()
    one.write_bytes(bodies[1] + ending(first.note))
    assert refused(circle, one) == Reason.BODY


@pytest.mark.parametrize("signed_anew", [False, True])
def test_a_key_of_one_group_put_in_the_place_of_anothers_is_refused(
    circle: Circle, signed_anew: bool
) -> None:
    """Also when the sender itself signs it, by mistake or malice."""
    path = circle.send().path
    parcel = read_parcel_file(path)
    row_key, identifiers, payload = parcel.manifest.groups
    swapped = (row_key.model_copy(update={"key": identifiers.key}), identifiers, payload)
    if signed_anew:
        resealed(
            path,
            path,
            by=circle.council.home,
            change=lambda manifest: manifest.model_copy(update={"groups": swapped}),
        )
        assert refused(circle, path) == Reason.KEY
    else:
        manifest = parcel.manifest.model_copy(update={"groups": swapped})
        note = manifest.text() + "\n" + parcel.note.rpartition("\n\n")[2]
        path.write_bytes(parcel.body.to_pybytes() + ending(note))
        assert refused(circle, path) == Reason.SIGNATURE


def test_a_recipient_cannot_add_itself_to_a_group_that_was_not_for_it(circle: Circle) -> None:
    path = circle.send().path
    parcel = read_parcel_file(path)
    row_key, identifiers, payload = parcel.manifest.groups
    wider = (row_key, identifiers, payload.model_copy(update={"recipients": (LINKAGE, RESEARCH)}))
    note = (
        parcel.manifest.model_copy(update={"groups": wider}).text() + "\n" + parcel.note.rpartition("\n\n")[2]
    )
    path.write_bytes(parcel.body.to_pybytes() + ending(note))
    assert refused(circle, path) == Reason.SIGNATURE


def test_groups_merged_into_one_are_refused_by_the_agreement(circle: Circle) -> None:
    """A downgrade: all columns in the group that the linker holds. Only the sender could sign it."""
    path = circle.send().path
    before = read_parcel_file(path).manifest.groups
    merged = before[1].model_copy(update={"columns": ("row_key", "surname", "nino", "exclusions")})

    def downgrade(manifest: Manifest) -> Manifest:
        return manifest.model_copy(update={"groups": (merged,), "recipients": manifest.recipients[:1]})

    assert refused(circle, resealed(path, path, by=circle.council.home, change=downgrade)) == Reason.AGREEMENT


def test_a_plain_body_under_a_true_manifest_is_refused(circle: Circle, tmp_path: Path) -> None:
    path = circle.send().path
    plain = tmp_path / "plain"
    pq.write_table(ROWS.rename_columns([f"c{number}" for number in range(4)]), plain)
    assert (
        refused(circle, resealed(path, path, by=circle.council.home, body=plain.read_bytes())) == Reason.FORM
    )


def test_a_key_that_was_encrypted_to_somebody_else_is_refused(circle: Circle) -> None:
    path = circle.send().path

    def to_research_alone(manifest: Manifest) -> Manifest:
        research_only = manifest.groups[2].key
        groups = tuple(each.model_copy(update={"key": research_only}) for each in manifest.groups)
        return manifest.model_copy(update={"groups": groups})

    sealed = resealed(path, path, by=circle.council.home, change=to_research_alone)
    assert refused(circle, sealed) == Reason.KEY


def test_a_manifest_with_a_path_for_a_serial_is_refused(circle: Circle) -> None:
    path = circle.send().path
    for serial in ("../../keys/x", "Zyxmarkersurname", "0" * 300):
        sealed = resealed(
            path,
            path.with_name("copy.parcel"),
            by=circle.council.home,
            change=lambda manifest, serial=serial: manifest.model_copy(update={"serial": serial}),
        )
        assert refused(circle, sealed) == Reason.FORM


def test_a_partner_is_not_trusted_without_the_fingerprint_that_it_reads_out(
    circle: Circle, tmp_path: Path
) -> None:
    impostor = Home.create(tmp_path / "impostor", zone="council", title="Exampleshire")
    identity = ensure_identity(impostor)
    true = ensure_identity(circle.council.home)
    assert identity.name == true.name
    forged = impostor.root / IDENTITY_FILE
    known = (circle.linkage.home.partners / f"{COUNCIL}.toml").read_bytes()
    custodian = open_desk(circle.linkage.home, "custodian", purpose=Purpose.PROTECT_DATA)
    for compared in ("", fingerprint_of(true), fingerprint_of(identity)):
        with pytest.raises(UserError, match=r"fingerprint|other keys"):
            add_partner(custodian, forged, compared=compared)
    with pytest.raises(UserError) as refusal:
        add_partner(circle.linkage, circle.council.home.root / IDENTITY_FILE, compared=fingerprint_of(true))
    assert refusal.value.code == ExitCode.REFUSED, "who handles parcels does not choose whom to trust"
    assert (circle.linkage.home.partners / f"{COUNCIL}.toml").read_bytes() == known


def test_the_receiving_key_of_a_home_is_used_for_nothing_but_its_own_parcels(circle: Circle) -> None:
    """A manifest that holds an age file of other contents does not make the home decrypt and use it."""
    path = circle.send().path
    other = base64.b64encode(
        pyrage.encrypt(b"k" * 32 + b"something else", [receiver_of(circle.linkage.home).to_public()])
    ).decode()
    sealed = resealed(
        path,
        path,
        by=circle.council.home,
        change=lambda manifest: manifest.model_copy(update={"footer_key": other}),
    )
    assert refused(circle, sealed) == Reason.KEY
