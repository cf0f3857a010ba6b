"""Checkpoints, and files that hold one after the other."""

from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.audit.checkpoints import Checkpoint, CheckpointFile
from families_first.governance.notes import Signer, sign_note

SIGNER = Signer.from_seed("council.exampleshire", bytes(range(32)))
OTHER = Signer.from_seed("council.exampleshire", bytes(range(1, 33)))
ROOT = bytes(32)


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    made = Checkpoint.sign(7, ROOT, SIGNER)
    assert made.note.split("\n")[:4] == [
        "council.exampleshire",
        "7",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "",
    ]
    assert Checkpoint.read(made.note, SIGNER.verifier, where="") == made


@pytest.mark.parametrize(
    "text",
    [
        "council.elsewhere\n7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "council.exampleshire\n07\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "council.exampleshire\n-7\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "council.exampleshire\n7\nAAAA\n",
        "council.exampleshire\n7\n=A=A\n",
        "council.exampleshire\n7\n",
    ],
    ids=["another's", "leading nought", "negative", "short root", "no base64", "no root"],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="not a checkpoint") as refusal:
        Checkpoint.read(sign_note(text, SIGNER), SIGNER.verifier, where="")
    assert refusal.value.code == ExitCode.BAD_FILE


def test_a_file_gives_its_checkpoints_in_order_and_its_last_without_reading_all(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path / "w.notes", SIGNER.verifier)
    assert file.last() is None
    assert list(file.all()) == []
    for size in range(1, 200):
        file.add(Checkpoint.sign(size, ROOT, SIGNER))
    assert [each.size for each in file.all()] == list(range(1, 200))
    last = file.last()
    assert last is not None
    assert last.size == 199


def test_notes_written_one_after_the_other_without_empty_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "w.notes"
    path.write_text("".join(Checkpoint.sign(size, ROOT, SIGNER).note for size in (3, 5)))
    file = CheckpointFile(path, SIGNER.verifier)
    assert [each.size for each in file.all()] == [3, 5]
    last = file.last()
    assert last is not None
    assert last.size == 5


@pytest.mark.parametrize("cut", [1, 40, 120])
def test_a_file_that_ends_in_the_middle_of_a_checkpoint_is_told(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "w.notes"
    content = "".join(Checkpoint.sign(size, ROOT, SIGNER).note + "\n" for size in (3, 5))
    path.write_text(content[: -cut - 1])
    file = CheckpointFile(path, SIGNER.verifier)
    for look in (file.last, lambda: list(file.all())):
        with pytest.raises(UserError, match="damaged or were changed") as refusal:
            look()
        assert refusal.value.code == ExitCode.AUDIT


def test_a_file_with_a_checkpoint_of_another_key_or_a_falling_size_is_told(tmp_path: Path) -> None:
    foreign = CheckpointFile(tmp_path / "foreign.notes", SIGNER.verifier)
    foreign.add(Checkpoint.sign(3, ROOT, OTHER))
    with pytest.raises(UserError, match="Too few known people or homes"):
        foreign.last()
    falling = CheckpointFile(tmp_path / "falling.notes", SIGNER.verifier)
    falling.add(Checkpoint.sign(5, ROOT, SIGNER))
    falling.add(Checkpoint.sign(3, ROOT, SIGNER))
    with pytest.raises(UserError, match="do not follow one another"):
        list(falling.all())
