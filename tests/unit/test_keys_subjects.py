"""Each subject has a key; erasing it takes the subject out of every file and out of the log's reach."""

import hashlib
import json
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys import KeyFiles, derived_key, provider_of, read_key_file
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.destruction import destroy_master
from families_first.governance.keys.rotation import forget, rotate
from families_first.governance.keys.subjects import SubjectKeys
from families_first.governance.keys.wrapping import KeyContext, WrappedKey, unwrap_under
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.sealed import seal, unseal
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
STUDY = "study-2026"
PEOPLE = [f"P{number:05d}" for number in range(40)]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.create(
        tmp_path / "home",
        zone="council",
        title="Exampleshire Council",
        retention_classes=(PROGRAMME_CLASS, PROGRAMME_CLASS.model_copy(update={"id": STUDY})),
    )


@pytest.fixture
def subjects(home: Home) -> SubjectKeys:
    return SubjectKeys(home, CLASS, provider_of(home))


def test_each_subject_keeps_a_key_of_their_own(home: Home, subjects: SubjectKeys) -> None:
    keys = subjects.of(PEOPLE)
    assert len(set(keys)) == len(PEOPLE)
    assert SubjectKeys(home, CLASS, provider_of(home)).of(list(reversed(PEOPLE))) == keys[::-1]
    assert subjects.of([PEOPLE[3], PEOPLE[3]]) == [keys[3], keys[3]]
    assert subjects.count() == len(PEOPLE)
    assert subjects.of([]) == []


def test_further_subjects_leave_the_others_as_they_are(subjects: SubjectKeys) -> None:
    first = subjects.of(PEOPLE[:5])
    assert subjects.of(PEOPLE)[:5] == first


def test_no_id_and_no_key_can_be_read_in_the_file(home: Home, subjects: SubjectKeys) -> None:
    keys = subjects.of(PEOPLE)
    written = (home.vault / "subjects" / f"{CLASS}.keys").read_bytes()
    for person, key in zip(PEOPLE, keys, strict=True):
        assert person.encode() not in written
        assert key not in written
        assert hashlib.sha256(person.encode()).digest()[:8] not in written


def opened(home: Home) -> tuple[dict[str, object], bytearray, bytes]:
    """Return the line and body of the subjects' file, and its store key, as whoever has the master can."""
    document = (home.vault / "subjects" / f"{CLASS}.keys").read_bytes()
    master = read_key_file(home.keys / f"{CLASS}.key", belongs_to=CLASS)
    line = json.loads(document.partition(b"\n")[0])
    context = KeyContext(line["store"], CLASS, use="subject keys", home=home.kind)
    key = unwrap_under(master, WrappedKey.from_json(line["key"]), context)
    line, body = unseal(document, lambda _: derived_key(key, "subjects"), where="test")
    return line, bytearray(body), key


def put_back(home: Home, line: dict[str, object], body: bytes, key: bytes) -> None:
    path = home.vault / "subjects" / f"{CLASS}.keys"
    path.write_bytes(seal(line, bytes(body), derived_key(key, "subjects")))


def test_keys_exchanged_between_two_subjects_do_not_open(home: Home, subjects: SubjectKeys) -> None:
    """Not even for whoever holds the store key, and so can seal the file again."""
    subjects.of(PEOPLE[:2])
    line, body, key = opened(home)
    entry = 16 + 12 + 48
    one, two = slice(32 + 16, 32 + entry), slice(32 + entry + 16, 32 + 2 * entry)
    body[one], body[two] = body[two], body[one]
    put_back(home, line, body, key)
    with pytest.raises(UserError, match="damaged") as refusal:
        subjects.of(PEOPLE[:2])
    assert refusal.value.code == ExitCode.VAULT


def test_a_subject_s_key_does_not_open_in_another_file(home: Home, subjects: SubjectKeys) -> None:
    subjects.of(PEOPLE[:1])
    line, body, key = opened(home)
    provider = provider_of(home)
    wrapped = provider.wrap(key, KeyContext("0" * 32, CLASS, use="subject keys"))
    put_back(home, {**line, "store": "0" * 32, "key": wrapped.as_json()}, body, key)
    with pytest.raises(UserError, match="damaged"):
        subjects.of(PEOPLE[:1])


def test_a_file_moved_to_another_class_does_not_open(home: Home, subjects: SubjectKeys) -> None:
    subjects.of(PEOPLE[:1])
    provider_of(home).make_master(STUDY)
    (home.vault / "subjects" / f"{CLASS}.keys").rename(home.vault / "subjects" / f"{STUDY}.keys")
    with pytest.raises(UserError, match="damaged"):
        SubjectKeys(home, STUDY, provider_of(home)).of(PEOPLE[:1])


def test_the_key_of_a_dataset_does_not_pass_for_that_of_the_subjects(home: Home) -> None:
    keys = provider_of(home)
    keys.make_master(CLASS)
    wrapped = keys.wrap(bytes(32), KeyContext("a", CLASS))
    with pytest.raises(UserError, match="belongs to another"):
        keys.unwrap(wrapped, KeyContext("a", CLASS, use="subject keys"))


def test_rotation_leaves_every_key_and_dataset_as_it_was_under_another_master(home: Home) -> None:
    import pyarrow as pa

    rows = pa.table({"line": [2, 3]})
    vault_of(home).commit("people", "run-1", {"t": rows}, retention_class=CLASS, about={"rows": 2})
    vault_of(home).commit("people", "run-2", {"t": rows}, retention_class=STUDY, about={})
    subjects = SubjectKeys(home, CLASS, provider_of(home))
    keys = subjects.of(PEOPLE)
    [old] = provider_of(home).masters(CLASS)
    study = provider_of(home).masters(STUDY)
    done = rotate(home, CLASS)
    assert (done.datasets, done.subjects, done.erased, done.retired) == (1, len(PEOPLE), 0, (old,))
    assert provider_of(home).masters(CLASS) == (done.master,) != (old,)
    assert provider_of(home).masters(STUDY) == study
    assert subjects.of(PEOPLE) == keys
    vault = vault_of(home)
    vault.check()
    kept = vault.find("people", "run-1")
    assert kept is not None
    assert kept.about == {"rows": 2}
    assert old.encode() not in b"".join(p.read_bytes() for p in home.vault.rglob("*") if p.is_file())


def test_forgetting_one_subject_leaves_the_others(home: Home, subjects: SubjectKeys) -> None:
    keys = subjects.of(PEOPLE)
    [done] = forget(home, [PEOPLE[7]])
    assert (done.erased, done.subjects) == (1, len(PEOPLE) - 1)
    assert subjects.of(PEOPLE[:7] + PEOPLE[8:]) == keys[:7] + keys[8:]
    assert subjects.of([PEOPLE[7]]) != [keys[7]]


def test_forgetting_reaches_every_class_that_knows_the_subject(home: Home, subjects: SubjectKeys) -> None:
    study = SubjectKeys(home, STUDY, provider_of(home))
    subjects.of(PEOPLE)
    study.of(PEOPLE[:1])
    assert [each.retention_class for each in forget(home, PEOPLE[:1])] == [CLASS, STUDY]
    assert (subjects.count(), study.count()) == (len(PEOPLE) - 1, 0)


def test_forgetting_nobody_known_changes_nothing_and_says_so(home: Home, subjects: SubjectKeys) -> None:
    subjects.of(PEOPLE)
    before = provider_of(home).masters(CLASS)
    with pytest.raises(UserError, match="nothing to forget") as refusal:
        forget(home, ["P99999"])
    assert refusal.value.code == ExitCode.NOT_FOUND
    assert "P99999" not in str(refusal.value)
    assert provider_of(home).masters(CLASS) == before


def test_a_class_without_a_master_is_not_rotated(home: Home) -> None:
    with pytest.raises(UserError, match="There is no key"):
        rotate(home, CLASS)
    with pytest.raises(UserError, match="no retention class"):
        rotate(home, "made-up")


def test_destroying_a_master_ends_the_class_for_good(home: Home, subjects: SubjectKeys) -> None:
    import pyarrow as pa

    rows = pa.table({"line": [2, 3]})
    vault_of(home).commit("people", "run-1", {"t": rows}, retention_class=CLASS, about={})
    subjects.of(PEOPLE)
    [master] = provider_of(home).masters(CLASS)
    assert destroy_master(home, CLASS) == master
    assert destroy_master(home, CLASS) == master
    assert {path.name for path in home.keys.iterdir()} == {"_vault-index.key", "register.toml"}
    with pytest.raises(UserError, match="There is no key"):
        vault_of(home).list("people")
    with pytest.raises(UserError, match="There is no key"):
        vault_of(home).commit("people", "run-2", {"t": rows}, retention_class=CLASS, about={})
    with pytest.raises(UserError, match="There is no key"):
        subjects.of(PEOPLE)
    assert provider_of(home).masters(CLASS) == ()


def test_destroying_a_class_that_never_had_a_master_names_none(home: Home) -> None:
    assert destroy_master(home, STUDY) == ""


def test_a_master_that_was_lost_is_not_made_anew_by_naming_somebody(
    home: Home, subjects: SubjectKeys
) -> None:
    subjects.of(PEOPLE)
    (home.keys / f"{CLASS}.key").unlink()
    (home.vault / "subjects" / f"{CLASS}.keys").unlink()
    with pytest.raises(UserError, match="There is no key"):
        Commitments(home).of(PEOPLE)
    assert not (home.keys / f"{CLASS}.key").exists()


def test_commitments_are_steady_and_each_person_s_own(home: Home) -> None:
    first = Commitments(home).of(PEOPLE)
    assert first == Commitments(home).of(PEOPLE)
    assert len(set(first)) == len(PEOPLE)
    assert all(len(each) == 64 and int(each, 16) for each in first)
    assert Commitments(home).of([]) == ()


def test_commitments_go_on_in_the_next_class_once_one_is_destroyed(home: Home) -> None:
    first = Commitments(home).of(PEOPLE)
    destroy_master(home, CLASS)
    second = Commitments(home).of(PEOPLE)
    assert not set(first) & set(second)
    destroy_master(home, STUDY)
    with pytest.raises(UserError, match="Every retention class of this home has been destroyed"):
        Commitments(home).of(PEOPLE)


def test_a_second_provider_of_the_same_files_holds_the_same_masters(home: Home) -> None:
    KeyFiles(home.keys).make_master(CLASS)
    assert provider_of(home).masters(CLASS) == KeyFiles(home.keys).masters(CLASS)
