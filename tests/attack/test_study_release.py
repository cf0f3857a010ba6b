"""Attempts to see outcomes without a sealed protocol and its release, by whoever holds a part of the keys."""

import base64
import contextlib
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pyrage
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Contents
from families_first.governance.audit.checkpointing import make_checkpoint
from families_first.governance.audit.exporting import proof_of
from families_first.governance.home import Home
from families_first.governance.identity import receiver_of, signer_of
from families_first.governance.keys import KEY_BYTES
from families_first.governance.parcels import (
    Addressee,
    ParcelRefusedError,
    Reason,
    SealedParcel,
    open_parcel,
    seal_parcel,
)
from families_first.governance.parcels.column_keys import FOOTER, opened_key, released_key
from families_first.governance.parcels.container import ParcelFile, read_parcel_file
from families_first.governance.parcels.releases import Release, protocol_file
from families_first.governance.study import (
    accept_release,
    register_sealed_protocol,
    release_outcomes,
    request_release,
)
from families_first.governance.study.protocols import sealing_of
from families_first.governance.study.release_request import REQUEST_SCHEMA, Lock, ReleaseRequest
from families_first.governance.study.releasing import RELEASE_SCHEMA
from made_up_study import PROTOCOLS, Study, study_at, study_in, write_sources

PROTOCOL = b'id = "made-up"\nquestion = "Does it work?"\n'
OWNERS = ("justice", "work")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the homes of a study after their owners have split."""
    root = tmp_path_factory.mktemp("release") / "study"
    study = study_in(root, owners=OWNERS)
    write_sources(study, families=4, others=3)
    study.split_all()
    return root


@pytest.fixture
def study(pattern: Path, tmp_path: Path) -> Study:
    shutil.copytree(pattern, tmp_path / "study")
    return study_at(tmp_path / "study")


def locked(study: Study, owner: str) -> list[Path]:
    """Return an owner's locked parcels as they lie in its outbox."""
    found = sorted(study.owners[owner].outbox.glob("*.parcel"))
    return [path for path in found if read_parcel_file(path).manifest.locked]


def requested(study: Study, *paths: Path) -> SealedParcel:
    register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up")
    return request_release(study.desk("research"), "made-up", PROTOCOLS, paths)


def honest(study: Study, *paths: Path) -> ReleaseRequest:
    """Return what an honest request would hold, for the dishonest to change."""
    desk = study.desk("research")
    register_sealed_protocol(desk, PROTOCOL, "made-up")
    sealed = sealing_of(desk.log, "made-up")
    ((_, leaf),) = desk.log.leaves(sealed.index, sealed.index + 1)
    manifests = [read_parcel_file(path).manifest for path in paths]
    return ReleaseRequest(
        protocol="made-up",
        protocol_sha256=hashlib.sha256(PROTOCOL).hexdigest(),
        text=PROTOCOL.decode(),
        entry=leaf.decode(),
        proof=proof_of(desk.log, sealed.index, make_checkpoint(study.research, desk.log)),
        locks=tuple(Lock(m.serial, group.name, group.key) for m in manifests for group in m.locked),
    )


def sent(study: Study, request: ReleaseRequest | pa.Table) -> Path:
    """Send any rows as a request from research to publication, signed and encrypted as they must be."""
    table = request if isinstance(request, pa.Table) else request.as_table()
    to = [Addressee(study.publication.name, Contents.PROTOCOL)]
    return seal_parcel(
        study.desk("research"), table.to_batches(), schema=REQUEST_SCHEMA, agreement=PROTOCOLS, to=to
    ).path


def changed(request: ReleaseRequest, **parts: object) -> ReleaseRequest:
    kept = {name: getattr(request, name) for name in ReleaseRequest.__dataclass_fields__}
    return ReleaseRequest(**{**kept, **parts})


def refused_by_publication(study: Study, path: Path) -> UserError:
    """Hand a request in, and return why publication releases nothing."""
    with pytest.raises(UserError) as refused:
        release_outcomes(study.desk("publication"), path, PROTOCOLS)
    assert not list(study.publication.outbox.glob("*.parcel"))
    assert not (study.publication.root / "releases").exists()
    return refused.value


def secrets_of(home: Home) -> Iterator[bytes]:
    """Yield what could be a key in a home: files, their lines and words, and what base64 stands for."""
    for path in sorted(home.root.rglob("*")):
        if not path.is_file() or path.suffix == ".parcel":
            continue
        content = path.read_bytes()
        yield content
        for line in content.splitlines():
            yield line
            for word in line.split():
                yield word
                try:
                    yield base64.b64decode(word, validate=True)
                except ValueError:
                    continue


class Recording(pe.KmsClient):
    """Opens the footer, as research can, and writes down the wrapped key of the column that is asked for."""

    def __init__(self, footer: bytes, serial: str) -> None:
        super().__init__()
        self.footer = footer
        self.bound = f"families-first parcel\n{serial}\n".encode()
        self.wrapped = b""

    def unwrap_key(self, wrapped_key: bytes, master_key_identifier: str) -> bytes:
        raw = base64.b64decode(wrapped_key)
        if master_key_identifier != FOOTER:
            self.wrapped = raw
            raise PermissionError
        return AESGCM(self.footer).decrypt(raw[:12], raw[12:], self.bound + FOOTER.encode())


def wrapped_column_key(study: Study, parcel: ParcelFile) -> bytes:
    """Return the key of a locked column as it lies in the file, wrapped with the group's key."""
    manifest = parcel.manifest
    footer = opened_key(manifest.footer_key, manifest.serial, FOOTER, receiver_of(study.research))
    client = Recording(footer, manifest.serial)
    factory = pe.CryptoFactory(lambda _: client)
    properties = factory.file_decryption_properties(pe.KmsConnectionConfig())
    file = pq.ParquetFile(pa.BufferReader(parcel.body), decryption_properties=properties)
    with pytest.raises(PermissionError):
        next(file.iter_batches(1, row_groups=[0], columns=["c1"]))
    return client.wrapped


def opens_a_locked_column(study: Study, home: Home, path: Path) -> bool:
    """Whether anything in a home opens a locked parcel: as an age identity at each layer, or as the key."""
    parcel = read_parcel_file(path)
    manifest = parcel.manifest
    (group,) = manifest.locked
    wrapped = wrapped_column_key(study, parcel)
    bound = f"families-first parcel\n{manifest.serial}\n{group.name}".encode()
    identities = []
    raw = set()
    for secret in secrets_of(home):
        with contextlib.suppress(UnicodeDecodeError, pyrage.IdentityError):
            identities.append(pyrage.x25519.Identity.from_str(secret.decode("ascii").strip()))
        raw |= {secret[at : at + KEY_BYTES] for at in range(max(len(secret) - KEY_BYTES + 1, 0))}
    assert identities
    assert len(raw) > 1_000
    for outer in identities:
        inner = released_key(group.key, manifest.serial, group.name, outer)
        for sealed in (group.key, inner):
            for identity in identities:
                key = sealed and opened_key(sealed, manifest.serial, group.name, identity)
                if key:
                    assert AESGCM(key).decrypt(wrapped[:12], wrapped[12:], bound)
                    return True
    for key in raw:
        with contextlib.suppress(InvalidTag):
            AESGCM(key).decrypt(wrapped[:12], wrapped[12:], bound)
            return True
    return False


@pytest.mark.parametrize("home", ["research", "publication", "linkage", "work", "justice"])
def test_no_home_alone_has_what_opens_a_locked_parcel(study: Study, home: str) -> None:
    (path, *_) = locked(study, "justice")
    assert not opens_a_locked_column(study, study.homes[home], path)


def test_the_attempt_above_does_open_it_where_both_keys_are_in_one_place(study: Study) -> None:
    (path, *_) = locked(study, "justice")
    both = study.research.root
    for key in study.publication.keys.glob("*receiving*"):
        shutil.copy(key, both / f"stolen-{key.name}")
    assert opens_a_locked_column(study, study.research, path)


def test_the_attempt_above_does_open_it_where_the_key_itself_lies_about(study: Study) -> None:
    (path, *_) = locked(study, "justice")
    manifest = read_parcel_file(path).manifest
    (group,) = manifest.locked
    inner = released_key(group.key, manifest.serial, group.name, receiver_of(study.publication))
    key = opened_key(inner, manifest.serial, group.name, receiver_of(study.research))
    (study.linkage.root / "notes.txt").write_bytes(b"remember: " + base64.b64encode(key) + b" \n")
    assert opens_a_locked_column(study, study.linkage, path)


def test_after_a_release_publication_still_opens_nothing_with_all_that_went_through_it(study: Study) -> None:
    (path, *_) = locked(study, "justice")
    asked = requested(study, *locked(study, "justice"))
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    inner = released_key(
        read_parcel_file(path).manifest.locked[0].key,
        read_parcel_file(path).manifest.serial,
        read_parcel_file(path).manifest.locked[0].name,
        receiver_of(study.publication),
    )
    assert inner is not None
    serial = read_parcel_file(path).manifest.serial
    assert opened_key(inner, serial, "outcomes", receiver_of(study.publication)) is None
    assert not opens_a_locked_column(study, study.publication, path)
    with pytest.raises(ParcelRefusedError) as refused:
        open_parcel(study.desk("publication"), path)
    assert refused.value.reason is Reason.RECIPIENT
    assert released.serials


def test_a_protocol_that_was_edited_after_sealing_is_not_requested_for(study: Study) -> None:
    requested(study, *locked(study, "work"))
    protocol_file(study.research, "made-up").write_bytes(PROTOCOL.replace(b"Does", b"Did"))
    with pytest.raises(UserError, match="was changed after it was sealed") as refused:
        request_release(study.desk("research"), "made-up", PROTOCOLS, locked(study, "work"))
    assert refused.value.code == ExitCode.REFUSED


def test_a_protocol_that_was_edited_and_sealed_again_is_refused_even_if_its_file_was_removed_first(
    study: Study,
) -> None:
    register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up")
    edited = PROTOCOL.replace(b"Does", b"Did")
    for remove in (False, True):
        if remove:
            protocol_file(study.research, "made-up").unlink()
        with pytest.raises(UserError, match="Another text was sealed as the protocol 'made-up'") as refused:
            register_sealed_protocol(study.desk("research"), edited, "made-up")
        assert refused.value.code == ExitCode.REFUSED
        assert "deviation" in refused.value.fix
    assert register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up").id == "made-up"


def test_a_protocol_that_was_edited_between_request_and_opening_opens_nothing(study: Study) -> None:
    paths = locked(study, "work")
    asked = requested(study, *paths)
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    file = protocol_file(study.research, "made-up")
    file.write_bytes(PROTOCOL + b"# a word more\n")
    with pytest.raises(UserError, match="was changed after it was sealed"):
        accept_release(study.desk("research"), released.parcel.path)
    file.write_bytes(PROTOCOL)
    accept_release(study.desk("research"), released.parcel.path)
    file.write_bytes(PROTOCOL + b"# a word more\n")
    with pytest.raises(ParcelRefusedError) as refused:
        open_parcel(study.desk("research"), paths[0])
    assert refused.value.reason is Reason.PROTOCOL


def test_a_text_that_is_not_the_sealed_one_is_not_released(study: Study) -> None:
    request = honest(study, *locked(study, "work"))
    other = "id = 'made-up'\n"
    error = refused_by_publication(study, sent(study, changed(request, text=other)))
    assert "not the one that its hash is of" in error.what
    other_hash = hashlib.sha256(other.encode()).hexdigest()
    error = refused_by_publication(
        study, sent(study, changed(request, text=other, protocol_sha256=other_hash))
    )
    assert "does not say that this protocol was sealed" in error.what


def test_a_sealing_under_another_id_is_no_sealing_of_this_one(study: Study) -> None:
    request = honest(study, *locked(study, "work"))
    error = refused_by_publication(study, sent(study, changed(request, protocol="made-up-2")))
    assert "does not say that this protocol was sealed" in error.what


def test_an_entry_that_was_written_for_the_occasion_is_in_no_log(study: Study) -> None:
    request = honest(study, *locked(study, "work"))
    other = "id = 'made-up'\n"
    digest = hashlib.sha256(other.encode()).hexdigest()
    entry = json.loads(request.entry)
    entry["details"]["protocol_sha256"] = digest
    forged = json.dumps(entry, sort_keys=True, separators=(",", ":"))
    error = refused_by_publication(
        study, sent(study, changed(request, text=other, protocol_sha256=digest, entry=forged))
    )
    assert "does not have the entry" in error.what


def test_an_act_that_was_allowed_and_not_done_is_no_sealing(study: Study) -> None:
    desk = study.desk("research")
    request = honest(study, *locked(study, "work"))
    sealed = sealing_of(desk.log, "made-up")
    asked = sealed.event.about
    ((_, leaf),) = desk.log.leaves(asked, asked + 1)
    proof = proof_of(desk.log, asked, make_checkpoint(study.research, desk.log))
    error = refused_by_publication(study, sent(study, changed(request, entry=leaf.decode(), proof=proof)))
    assert "does not say that this protocol was sealed" in error.what


def test_the_proof_of_another_homes_log_is_refused(study: Study) -> None:
    request = honest(study, *locked(study, "work"))
    # Linkage signs a log of its own in which the very same entry stands.
    from families_first.governance.audit.checkpoints import Checkpoint
    from families_first.governance.audit.merkle import CompactRange, leaf_hash

    tree = CompactRange()
    for _, leaf in study.desk("research").log.leaves():
        tree.append(leaf_hash(leaf))
    theirs = Checkpoint.sign(tree.size, tree.root(), signer_of(study.linkage))
    head, _, _ = proof_of(
        study.desk("research").log,
        json.loads(request.entry)["index"],
        Checkpoint.sign(tree.size, tree.root(), signer_of(study.research)),
    ).partition("\n\n")
    error = refused_by_publication(study, sent(study, changed(request, proof=f"{head}\n\n{theirs.note}")))
    assert "is not of the audit log of" in error.what


@pytest.mark.parametrize("line", [1, 2, -4, -1])
def test_a_proof_with_a_changed_line_is_refused(study: Study, line: int) -> None:
    request = honest(study, *locked(study, "work"))
    lines = request.proof.split("\n")
    at = line if line >= 0 else len(lines) + line
    lines[at] = lines[at][:-2] + ("A" if lines[at][-2:-1] != "A" else "B") + lines[at][-1:]
    if line == 1:
        lines[at] = f"index {json.loads(request.entry)['index'] - 1}"
    error = refused_by_publication(study, sent(study, changed(request, proof="\n".join(lines))))
    assert error.code == ExitCode.PARCEL


def test_a_key_is_not_released_as_that_of_another_parcel_or_group(study: Study) -> None:
    first, second = (honest(study, *locked(study, owner)).locks for owner in OWNERS)
    request = honest(study, *locked(study, "justice"))
    swapped = tuple(Lock(lock.serial, lock.group, second[0].key) for lock in first)
    renamed = (first[0]._replace(group="payload"), *first[1:])
    for locks in (swapped, renamed):
        error = refused_by_publication(study, sent(study, changed(request, locks=locks)))
        assert "is of another parcel than it says" in error.what


def test_a_key_that_nobody_locked_for_this_home_is_not_taken_for_one(study: Study) -> None:
    request = honest(study, *locked(study, "work"))
    own = base64.b64encode(
        pyrage.encrypt(
            b"x" * 100, [pyrage.x25519.Recipient.from_str(str(receiver_of(study.publication).to_public()))]
        )
    ).decode()
    for key in ("", "?", own, request.locks[0].key[:-8]):
        locks = (request.locks[0]._replace(key=key),)
        error = refused_by_publication(study, sent(study, changed(request, locks=locks)))
        assert error.code == ExitCode.PARCEL


def test_a_second_protocol_is_never_released_for_outcomes_that_were_released(study: Study) -> None:
    paths = locked(study, "work")
    asked = requested(study, *paths)
    release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    before = (study.publication.root / "releases" / "register").read_bytes()
    desk = study.desk("research")
    register_sealed_protocol(desk, b'id = "second"\n', "second")
    # Alone, and hidden among parcels that were never released.
    for again in (paths, [*locked(study, "justice"), *paths]):
        second = request_release(study.desk("research"), "second", PROTOCOLS, again)
        with pytest.raises(UserError, match="released before, for another protocol: 'made-up'") as refused:
            release_outcomes(study.desk("publication"), second.path, PROTOCOLS)
        assert refused.value.code == ExitCode.REFUSED
    assert (study.publication.root / "releases" / "register").read_bytes() == before
    assert protocol_file(study.publication, "second").exists() is False


def test_the_register_of_releases_cannot_be_cut_or_rewritten(study: Study) -> None:
    paths = locked(study, "work")
    asked = requested(study, *paths)
    release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    register = study.publication.root / "releases" / "register"
    text = register.read_text(encoding="utf-8")
    serial = read_parcel_file(paths[0]).manifest.serial
    register_sealed_protocol(study.desk("research"), b'id = "second"\n', "second")
    second = request_release(study.desk("research"), "second", PROTOCOLS, paths)
    for spoilt in (
        "\n".join(line for line in text.split("\n") if not line.startswith(serial)),
        text.replace("made-up ", "second "),
        "",
    ):
        register.write_text(spoilt, encoding="utf-8")
        with pytest.raises(UserError, match="register of releases is damaged"):
            release_outcomes(study.desk("publication"), second.path, PROTOCOLS)


def test_a_request_or_a_release_is_taken_once(study: Study) -> None:
    paths = locked(study, "work")
    asked = requested(study, *paths)
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    with pytest.raises(UserError, match="opened here already"):
        release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(study.desk("research"), released.parcel.path)
    copy = released.parcel.path.with_name("another-name.parcel")
    shutil.copy(released.parcel.path, copy)
    with pytest.raises(UserError, match="opened here already"):
        accept_release(study.desk("research"), copy)


def test_a_release_opens_no_other_parcel_under_whatever_name_it_lies(study: Study) -> None:
    asked = requested(study, *locked(study, "work"))
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(study.desk("research"), released.parcel.path)
    (mine,) = locked(study, "work")
    (theirs, *_) = locked(study, "justice")
    folder = study.research.root / "releases"
    given = folder / f"{read_parcel_file(mine).manifest.serial}.note"
    shutil.copy(given, folder / f"{read_parcel_file(theirs).manifest.serial}.note")
    with pytest.raises(ParcelRefusedError, match="of another parcel") as refused:
        open_parcel(study.desk("research"), theirs)
    assert refused.value.reason is Reason.PROTOCOL


def test_researchers_cannot_write_a_release_or_change_a_word_of_one(study: Study) -> None:
    asked = requested(study, *locked(study, "work"))
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(study.desk("research"), released.parcel.path)
    (path,) = locked(study, "work")
    serial = read_parcel_file(path).manifest.serial
    given = study.research.root / "releases" / f"{serial}.note"
    text = given.read_text(encoding="utf-8")
    edited = PROTOCOL + b"# another\n"
    protocol_file(study.research, "made-up").write_bytes(edited)
    old, new = (hashlib.sha256(each).hexdigest() for each in (PROTOCOL, edited))
    # The hash of the edited protocol put in; and the whole signed anew with research's own key.
    forged = text.replace(old, new)
    keys = dict(line.split(" ")[1:] for line in text.splitlines() if line.startswith("group "))
    own = Release(serial, "made-up", new, keys).signed(signer_of(study.research))
    for spoilt in (forged, own, ""):
        given.write_text(spoilt, encoding="utf-8")
        with pytest.raises(ParcelRefusedError, match="This is no release that 'publication") as refused:
            open_parcel(study.desk("research"), path)
        assert refused.value.reason is Reason.PROTOCOL


def test_a_release_that_does_not_say_what_its_parcel_says_is_not_taken_in(study: Study) -> None:
    asked = requested(study, *locked(study, "work"))
    released = release_outcomes(study.desk("publication"), asked.path, PROTOCOLS)
    desk = study.desk("research")
    open_parcel(desk, released.parcel.path)
    from made_up_desk import vault_of

    vault = vault_of(study.research)
    rows = vault.read(vault.find("parcel", released.parcel.serial), "rows").to_pylist()
    other = read_parcel_file(locked(study, "justice")[0]).manifest.serial
    signer = signer_of(study.publication)
    real = Release.read(rows[0]["release"], signer.verifier, where="made up")
    wrong_key = Release(other, "made-up", real.protocol_sha256, real.keys).signed(signer)
    wrong_protocol = Release(real.serial, "made-up", "0" * 64, real.keys).signed(signer)
    for changes, words in (
        ({"serial": other}, "does not say what the parcel says"),
        ({"serial": other, "release": wrong_key}, "not for this home, or of another parcel"),
        ({"protocol_sha256": "0" * 64, "release": wrong_protocol}, "another text of the protocol"),
        ({"release": "nothing"}, "no release that"),
    ):
        table = pa.Table.from_pylist([{**rows[0], **changes}], schema=RELEASE_SCHEMA)
        forged = seal_parcel(
            study.desk("publication"),
            table.to_batches(),
            schema=RELEASE_SCHEMA,
            agreement=PROTOCOLS,
            to=[Addressee(study.research.name, Contents.RELEASE)],
        )
        with pytest.raises(UserError, match=words):
            accept_release(study.desk("research"), forged.path)
    assert not (study.research.root / "releases").exists()


def test_a_checker_who_names_the_hash_that_was_made_known_releases_for_no_other(study: Study) -> None:
    asked = requested(study, *locked(study, "work"))
    desk = study.desk("publication")
    with pytest.raises(UserError, match="another protocol than the one that you named"):
        release_outcomes(desk, asked.path, PROTOCOLS, expected_sha256="0" * 64)
    known = hashlib.sha256(PROTOCOL).hexdigest()
    assert release_outcomes(desk, asked.path, PROTOCOLS, expected_sha256=known).protocol_sha256 == known


@pytest.mark.parametrize(
    "role", ["senior-responsible-owner", "data-protection-officer", "custodian", "auditor"]
)
def test_nobody_but_the_output_checker_releases(study: Study, role: str) -> None:
    asked = requested(study, *locked(study, "work"))
    with pytest.raises(UserError) as refused:
        release_outcomes(study.desk("publication", role), asked.path, PROTOCOLS)
    assert refused.value.code == ExitCode.REFUSED


def test_a_checker_who_may_open_parcels_in_another_zone_releases_nothing_there(study: Study) -> None:
    asked = requested(study, *locked(study, "work"))
    with pytest.raises(UserError):
        release_outcomes(study.desk("research", "output-checker"), asked.path, PROTOCOLS)


def test_parcels_that_are_not_locked_or_are_another_homes_are_not_requested_for(study: Study) -> None:
    register_sealed_protocol(study.desk("research"), PROTOCOL, "made-up")
    everything = sorted(study.owners["work"].outbox.glob("*.parcel"))
    open_part = next(p for p in everything if not read_parcel_file(p).manifest.locked
                     and read_parcel_file(p).manifest.recipient(study.research.name))  # fmt: skip
    identifiers = next(p for p in everything if read_parcel_file(p).manifest.recipient(study.linkage.name))
    with pytest.raises(UserError, match="Nothing in this parcel is locked"):
        request_release(study.desk("research"), "made-up", PROTOCOLS, [open_part])
    with pytest.raises(ParcelRefusedError, match="and this home is"):
        request_release(study.desk("research"), "made-up", PROTOCOLS, [identifiers])
    with pytest.raises(UserError, match="Name the locked parcels"):
        request_release(study.desk("research"), "made-up", PROTOCOLS, [])
    with pytest.raises(UserError, match="No protocol of this id was sealed"):
        request_release(study.desk("research"), "never-sealed", PROTOCOLS, locked(study, "work"))
