"""A destruction leaves no plain copy: the files of the inbox and the outbox go with a whole class."""

from datetime import date
from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.audit.log import AuditLog
from families_first.governance.retention.destroying import destroy, rehearse
from families_first.governance.retention.in_the_clear import InTheClear
from families_first.governance.retention.records import Certificate, read_record
from made_up_records import CLASS, OWNER, RECEIPT, Programme, programme_in

DAY = date(2033, 3, 31)
NAME = "Made-Up-Surname"


@pytest.fixture
def programme(tmp_path: Path) -> Programme:
    programme = programme_in(tmp_path / "home")
    programme.keep()
    home = programme.home
    (home.inbox / f"{NAME}.csv").write_text("made up\n")
    (home.inbox / "agency" / "older").mkdir(parents=True)
    (home.inbox / "agency" / "older" / ".hidden.csv").write_text("made up\n")
    (home.outbox / "families.html").write_text(NAME)
    (home.outbox / "certificate-of-birth.txt").write_text(NAME)
    return programme


def drawn(programme: Programme) -> Certificate:
    text = (programme.home.outbox / f"certificate-{CLASS}.txt").read_text()
    record = read_record(text, where="certificate")
    assert isinstance(record, Certificate)
    return record


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_the_dry_run_counts_the_files_and_deletes_none(programme: Programme) -> None:
    programme.end()
    programme.clock.go_to(DAY)
    going = rehearse(programme.desk("custodian-a"), CLASS)
    assert (going.in_the_clear, going.clears) == (InTheClear(2, 2), True)
    assert len(left_in(programme.home.outbox)) == 2


def test_a_destroyed_class_leaves_no_file_in_the_clear_and_the_certificate_says_how_many(
    programme: Programme, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("made up\n")
    (programme.home.inbox / "link").symlink_to(elsewhere)
    programme.end()
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    assert left_in(programme.home.inbox) == []
    assert left_in(programme.home.outbox) == [f"certificate-{CLASS}.txt"]
    assert (elsewhere / "kept.txt").exists()
    certificate = drawn(programme)
    assert (certificate.inbox_files, certificate.outbox_files) == (3, 2)
    assert any("inbox/ (3) and outbox/ (2)" in each for each in certificate.means)
    logged = "".join(str(entry.event) for entry in AuditLog.open(programme.home).entries())
    assert "'files_in_the_clear_removed': 5" in logged
    assert NAME not in logged


def test_what_arrives_after_the_certificate_was_entered_stays(programme: Programme) -> None:
    programme.end()
    programme.clock.go_to(DAY)
    desk = programme.desk("custodian-a")
    destroy(desk, CLASS)
    (programme.home.inbox / "came-between.csv").write_text("made up\n")
    destroy(desk, CLASS)
    assert left_in(programme.home.inbox) == []
    programme.enter((programme.home.outbox / f"certificate-{CLASS}.txt").read_text(), OWNER)
    (programme.home.inbox / "later.csv").write_text("made up\n")
    done = destroy(desk, CLASS)
    assert not done.going.clears
    assert left_in(programme.home.inbox) == ["later.csv"]
    assert drawn(programme).inbox_files == 2


def test_a_certificate_with_another_number_of_files_is_refused(programme: Programme) -> None:
    programme.end()
    programme.clock.go_to(DAY)
    destroy(programme.desk("custodian-a"), CLASS)
    text = (programme.home.outbox / f"certificate-{CLASS}.txt").read_text()
    with pytest.raises(UserError, match="other keys or datasets or files than the plan"):
        programme.enter(text.replace("inbox_files = 2", "inbox_files = 0"), OWNER)


def test_with_a_class_counted_from_receipt_the_files_stay_and_are_told(programme: Programme) -> None:
    programme.keep("s", class_id=RECEIPT.id)
    programme.clock.go_to(DAY)
    done = destroy(programme.desk("custodian-a"), RECEIPT.id)
    assert not done.going.whole
    assert (done.going.in_the_clear, done.going.clears) == (InTheClear(2, 2), False)
    assert len(left_in(programme.home.inbox)) == 4
    text = (programme.home.outbox / f"certificate-{RECEIPT.id}.txt").read_text()
    assert "Files in the clear in inbox/ and outbox/ were left" in text
    programme.end()
    destroy(programme.desk("custodian-a"), CLASS)
    # The other class's certificate waits for its signature, and names nobody.
    assert (programme.home.outbox / f"certificate-{RECEIPT.id}.txt").exists()
