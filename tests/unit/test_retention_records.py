"""Records, signatures, the register and the custodians' statements."""

from datetime import date
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.notes import Verifier, sign_note
from families_first.governance.retention.certificates import verify_certificate
from families_first.governance.retention.dates import schedule_of
from families_first.governance.retention.destroying import destroy, what_goes
from families_first.governance.retention.records import (
    Certificate,
    ProgrammeEnd,
    read_record,
    record_text,
)
from families_first.governance.retention.register import read_register
from families_first.governance.retention.shares import prepare_share_statement
from families_first.governance.retention.status import status_of
from families_first.governance.retention.tombstones import bury, read_tombstones
from families_first.governance.staff import read_staff, write_staff
from made_up_records import (
    CLASS,
    CUSTODIANS,
    OFFICER,
    OWNER,
    Programme,
    programme_in,
    public_key,
    signer_for,
)


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    return programme_in(tmp_path / "home")


def destroyed(programme: Programme) -> Programme:
    programme.keep()
    programme.hand_out_shares()
    programme.end()
    programme.clock.go_to(date(2033, 3, 31))
    destroy(programme.desk("custodian-a"), CLASS)
    return programme


def certificate_text(programme: Programme) -> str:
    return (programme.home.outbox / f"certificate-{CLASS}.txt").read_text()


def statement(programme: Programme, share: str, custodian: str) -> str:
    return prepare_share_statement(
        programme.home.name,
        CLASS,
        share=share,
        custodian=custodian,
        method="Paper shredded, no copy kept",
        destroyed_on=programme.clock.now.date(),
    )


def test_a_record_reads_back_as_it_was_written(programme: Programme) -> None:
    text = programme.end_text(reason='Quotes " and\nlines, and “these”')
    record = read_record(text, where="record.txt")
    assert isinstance(record, ProgrammeEnd)
    assert record_text(record) == text
    signed = sign_note(text, signer_for(OWNER))
    assert read_record(signed, where="record.txt") == record


@pytest.mark.parametrize("text", ["", "not TOML [", 'record = "unheard-of"\n', "record = 1\n", "\n\n— x y\n"])
def test_a_text_that_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(UserError) as refusal:
        read_record(text, where="record.txt")
    assert refusal.value.code == ExitCode.BAD_FILE


def test_one_person_in_two_roles_counts_once(programme: Programme) -> None:
    programme.end()
    people = read_staff(programme.home).people
    both = people[OWNER].model_copy(update={"roles": ("senior-responsible-owner", "data-protection-officer")})
    write_staff(programme.home, both, *(each for each in people.values() if each.id not in (OWNER, OFFICER)))
    with pytest.raises(UserError, match="different people"):
        programme.enter(programme.change_text(date(2034, 1, 1)), OWNER)


def test_one_key_under_two_names_counts_once(programme: Programme) -> None:
    programme.end()
    people = read_staff(programme.home).people
    same = Verifier(OFFICER, signer_for(OWNER).verifier.public_key)
    twin = people[OFFICER].model_copy(update={"signing": str(same)})
    write_staff(programme.home, *{**people, OFFICER: twin}.values())
    text = sign_note(programme.change_text(date(2034, 1, 1)), signer_for(OWNER))
    forged = sign_note(text, type(signer_for(OWNER))(OFFICER, signer_for(OWNER)._key))
    with pytest.raises(UserError, match="different people"):
        programme.enter(forged)


def test_somebody_who_has_left_no_longer_signs_and_what_they_signed_stands(programme: Programme) -> None:
    programme.end()
    people = read_staff(programme.home).people
    left = people[OFFICER].model_copy(update={"until": date(2027, 3, 30)})
    write_staff(programme.home, *{**people, OFFICER: left}.values())
    with pytest.raises(UserError, match="not signed as it must be"):
        programme.change(date(2034, 1, 1))
    write_staff(programme.home, *(each for each in people.values() if each.id != OWNER))
    assert schedule_of(programme.home).days[CLASS] == date(2033, 3, 31)


def test_a_record_of_another_home_is_not_entered(programme: Programme, tmp_path: Path) -> None:
    text = programme.end_text().replace("council.exampleshire-council", "council.another")
    with pytest.raises(UserError, match="not one that people enter in this home"):
        programme.enter(text, OWNER)


def test_the_same_record_entered_twice_is_entered_once(programme: Programme) -> None:
    text = programme.end_text()
    assert programme.enter(text, OWNER).line == programme.enter(text, OWNER).line
    assert len(read_register(programme.home).lines) == 1


def test_entering_is_decided_and_logged_with_the_records_hash_before_it_is_done(programme: Programme) -> None:
    line = programme.end().line
    allowed, done = list(AuditLog.open(programme.home).entries())
    assert allowed.event.action == done.event.action == "end-programme"
    assert allowed.event.details["record"] == line.sha256
    assert (allowed.event.outcome, done.event.outcome) == ("allowed", "done")


@pytest.mark.parametrize("person", ["made-up-lead", OFFICER])
def test_the_policy_says_who_may_enter_a_decision(programme: Programme, person: str) -> None:
    with pytest.raises(UserError) as refusal:
        programme.enter(programme.end_text(), OWNER, by=person)
    assert refusal.value.code == ExitCode.REFUSED
    assert read_register(programme.home).lines == ()


def test_a_dry_run_says_what_goes_and_changes_nothing(programme: Programme) -> None:
    programme.keep("a")
    programme.keep("b")
    programme.end()
    before = sorted((p.name, p.stat().st_mtime_ns) for p in programme.home.root.rglob("*") if p.is_file())
    going = what_goes(programme.home, CLASS, on=date(2033, 3, 31))
    after = sorted((p.name, p.stat().st_mtime_ns) for p in programme.home.root.rglob("*") if p.is_file())
    assert (len(going.datasets), going.files, going.whole) == (2, 4, True)
    assert len(going.masters) == 1
    assert before == after


def test_a_certificate_says_which_shares_are_outstanding_and_what_that_means(programme: Programme) -> None:
    destroyed(programme)
    record = read_record(certificate_text(programme), where="certificate")
    assert isinstance(record, Certificate)
    assert len(record.outstanding) == 3
    assert any("2 open it" in each for each in record.means)
    shares = record.outstanding
    for share, who in zip(shares[:2], CUSTODIANS, strict=False):
        programme.enter(statement(programme, share, who), who, by=who)
    destroy(programme.desk("custodian-a"), CLASS)
    record = read_record(certificate_text(programme), where="certificate")
    assert isinstance(record, Certificate)
    assert record.outstanding == shares[2:]
    assert any("these alone open nothing" in each for each in record.means)
    programme.enter(statement(programme, shares[2], CUSTODIANS[2]), CUSTODIANS[2], by="custodian-a")
    destroy(programme.desk("custodian-a"), CLASS)
    assert "All 3 shares" in certificate_text(programme)


@pytest.mark.parametrize(
    ("signer", "share_of", "match"),
    [
        ("custodian-b", "custodian-a", "not signed by the custodian who holds"),
        (OWNER, "custodian-a", "not signed by the custodian who holds"),
    ],
)
def test_nobody_states_that_anothers_share_is_destroyed(
    programme: Programme, signer: str, share_of: str, match: str
) -> None:
    destroyed(programme)
    record = read_record(certificate_text(programme), where="certificate")
    assert isinstance(record, Certificate)
    share = next(each.id for each in record.shares if each.custodian == share_of)
    with pytest.raises(UserError, match=match):
        programme.enter(statement(programme, share, signer), signer, by="custodian-a")


def test_a_share_that_is_needed_yet_is_not_stated_to_be_destroyed(programme: Programme) -> None:
    programme.keep()
    [share, *_] = programme.hand_out_shares()
    with pytest.raises(UserError, match="still needed"):
        programme.enter(statement(programme, share, CUSTODIANS[0]), CUSTODIANS[0], by="custodian-a")


def test_a_certificate_is_entered_only_when_it_is_true(programme: Programme) -> None:
    destroyed(programme)
    text = certificate_text(programme)
    size = AuditLog.open(programme.home).size
    record = read_record(text, where="certificate")
    assert isinstance(record, Certificate)
    for true, false in [
        (record.audit_root, "0" * 64),
        (f"audit_size = {record.audit_size}", f"audit_size = {size + 9}"),
        (record.plan, "1" * 64),
        (record.masters[0], "2" * 16),
        (record.datasets[0], "3" * 32),
    ]:
        with pytest.raises(UserError, match="not true of this home"):
            programme.enter(text.replace(true, false), OWNER)
    with pytest.raises(UserError, match="not signed as it must be"):
        programme.enter(text, "custodian-a", by="custodian-a")
    line = programme.enter(text, OWNER).line
    known = [Verifier.parse(public_key(OWNER), where=""), read_identity_key(programme)]
    found = verify_certificate((programme.home.retention / line.file).read_text(), known, where="c")
    assert set(found.signers) == {OWNER, programme.home.name}
    assert status_of(programme.home, AuditLog.open(programme.home), on=date(2033, 3, 31)).faults == ()


def read_identity_key(programme: Programme) -> Verifier:
    from families_first.governance.identity import read_identity

    return read_identity(programme.home.root / "identity.toml").verifier


def test_a_certificate_with_one_signature_does_not_verify(programme: Programme) -> None:
    destroyed(programme)
    line = programme.enter(certificate_text(programme), OWNER).line
    note = (programme.home.retention / line.file).read_text()
    with pytest.raises(UserError, match="Too few"):
        verify_certificate(note, [Verifier.parse(public_key(OWNER), where="")], where="c")


def test_tombstones_grow_are_numbered_and_name_nobody(programme: Programme) -> None:
    first = bury(programme.home, on=date(2027, 4, 1), datasets=["ab" * 16])
    again = bury(programme.home, on=date(2027, 4, 2), datasets=["ab" * 16])
    more = bury(programme.home, on=date(2027, 4, 3), datasets=["ef" * 16])
    assert (first.number, again.number, more.number) == (1, 1, 2)
    assert read_tombstones(programme.home) == more
    assert more.datasets == ("ab" * 16, "ef" * 16)
    text = (programme.home.retention / "tombstones.note").read_text()
    fields = {line.partition(" = ")[0] for line in text.splitlines() if " = " in line}
    assert fields == {"tombstones_of", "version", "number", "changed", "classes", "datasets", "masters"}
