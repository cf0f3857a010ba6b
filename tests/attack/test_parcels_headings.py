"""Attempts to send a part of a study under a false heading: to those who must never have it."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, check_read, load_agreement, render_agreement
from families_first.governance.parcels import (
    Addressee,
    Contents,
    Manifest,
    ParcelRefusedError,
    Reason,
    open_parcel,
)
from made_up_parcels import AGREEMENT, LINKAGE, RESEARCH, ROWS, Circle, circle_at, circle_in, resealed

IDENTIFIERS, PAYLOAD = ROWS.select(["row_key", "surname", "nino"]), ROWS.select(["row_key", "exclusions"])


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("headings") / "homes"
    circle_in(root, text=AGREEMENT.replace('recipient = "Exampleton Linker"\n', ""))
    return root


@pytest.fixture
def circle(pattern: Path, tmp_path: Path) -> Circle:
    shutil.copytree(pattern, tmp_path / "homes")
    return circle_at(tmp_path / "homes")


def agreement(folder: Path, *changes: tuple[str, str]) -> Agreement:
    text = AGREEMENT.format(until="2099-12-31")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "agreement.toml"
    path.write_text(text, encoding="utf-8")
    return load_agreement(path)


def test_identifiers_called_payload_are_not_sealed_for_researchers(circle: Circle) -> None:
    with pytest.raises(ParcelRefusedError, match="is for identifiers, and not for payload") as refusal:
        circle.send(table=IDENTIFIERS, to=[Addressee(RESEARCH, Contents.PAYLOAD, "identifiers")], groups=())
    assert refusal.value.code == ExitCode.AGREEMENT
    assert list(circle.council.home.outbox.iterdir()) == []


def test_payload_called_identifiers_is_not_sealed_for_the_linker(circle: Circle) -> None:
    with pytest.raises(ParcelRefusedError, match="is for payload, and not for identifiers"):
        circle.send(table=PAYLOAD, to=[Addressee(LINKAGE, Contents.IDENTIFIERS, "payload")], groups=())


@pytest.mark.parametrize("contents", [Contents.PAYLOAD, Contents.SPINE, Contents.OUTPUTS, Contents.RECORDS])
def test_a_sender_that_signs_a_false_heading_all_the_same_is_refused_where_it_arrives(
    circle: Circle, contents: Contents
) -> None:
    """Its home may run a program that does not look."""
    path = circle.send(table=IDENTIFIERS, to=[Addressee(LINKAGE, Contents.IDENTIFIERS)], groups=()).path

    def relabelled(manifest: Manifest) -> Manifest:
        [recipient] = manifest.recipients
        return manifest.model_copy(
            update={"recipients": (recipient.model_copy(update={"contents": contents}),)}
        )

    resealed(path, path, by=circle.council.home, change=relabelled)
    with pytest.raises(UserError) as refusal:
        open_parcel(circle.linkage, path)
    assert refusal.value.code in (ExitCode.AGREEMENT, ExitCode.REFUSED)
    assert not list((circle.linkage.home.vault / "datasets").glob("*"))


def test_a_false_heading_by_which_the_way_would_be_open_is_refused_by_the_agreement(circle: Circle) -> None:
    path = circle.send(table=PAYLOAD, to=[Addressee(RESEARCH, Contents.PAYLOAD)], groups=()).path

    def as_payload(manifest: Manifest) -> Manifest:
        [recipient] = manifest.recipients
        return manifest.model_copy(
            update={"recipients": (recipient.model_copy(update={"file": "identifiers"}),)}
        )

    resealed(path, path, by=circle.council.home, change=as_payload)
    with pytest.raises(ParcelRefusedError, match="is for identifiers, and not for payload") as refusal:
        open_parcel(circle.research, path)
    assert refusal.value.reason == Reason.AGREEMENT


@pytest.mark.parametrize("contents", ["payload", "spine", "outputs"])
@pytest.mark.parametrize("name", ["nino", " NINO "])
def test_an_agreement_that_lists_an_identifier_in_another_part_of_the_study_is_faulty(
    tmp_path: Path, contents: str, name: str
) -> None:
    with pytest.raises(UserError, match=f"of identifiers and of {contents} list the same columns.*nino"):
        agreement(
            tmp_path,
            ('contents = "payload"', f'contents = "{contents}"'),
            ("exclusions =", f'"{name}" ='),
        )


def test_the_row_key_joins_two_parts_only_where_the_agreement_names_it(tmp_path: Path) -> None:
    assert agreement(tmp_path).row_key == "row_key"
    for row_key in ("", 'row_key = "nino"\n'):
        with pytest.raises(UserError, match=r"list the same columns.*row_key"):
            agreement(tmp_path, ('row_key = "row_key"\n', row_key))


def test_one_agreement_carries_several_files_of_one_contents(circle: Circle) -> None:
    for desk in (circle.council, circle.research):
        path = desk.home.agreements / "study.toml"
        more = (
            '[files.attendance]\ncontents = "payload"\nrecipient = "Madeup University"\n'
            '[files.attendance.columns]\nrow_key = "Joins it to the rest"\n'
            'sessions = "An outcome of the study"\n'
        )
        path.write_text(path.read_text(encoding="utf-8") + more, encoding="utf-8")
    table = PAYLOAD.rename_columns(["row_key", "sessions"])
    to_them = [Addressee(RESEARCH, Contents.PAYLOAD, "attendance")]
    assert open_parcel(circle.research, circle.send(table=table, to=to_them, groups=()).path).rows == 3


def test_a_file_for_one_organisation_is_not_sealed_for_another(circle: Circle, tmp_path: Path) -> None:
    path = circle.council.home.agreements / "study.toml"
    told = path.read_text(encoding="utf-8").replace(
        'contents = "payload"', 'contents = "payload"\nrecipient = "Exampleton Linker"'
    )
    path.write_text(told, encoding="utf-8")
    with pytest.raises(ParcelRefusedError, match="is for 'Exampleton Linker', and not 'Madeup University'"):
        circle.send(table=PAYLOAD, to=[Addressee(RESEARCH, Contents.PAYLOAD)], groups=())
    with pytest.raises(UserError, match=r"files\.identifiers\.recipient is no party: Elsewhere"):
        agreement(tmp_path, ('recipient = "Exampleton Linker"', 'recipient = "Elsewhere"'))


@pytest.mark.parametrize("contents", [each for each in Contents if each != Contents.RECORDS])
def test_a_delivery_lands_no_file_that_is_a_part_of_a_study(tmp_path: Path, contents: Contents) -> None:
    agreed = agreement(tmp_path, ('contents = "payload"', f'contents = "{contents}"'))
    with pytest.raises(UserError, match=f"is for {contents}, which come in parcels alone") as refusal:
        check_read(
            agreed,
            sender="Exampleshire",
            purpose="research",
            mapping_id="payload",
            columns=["row_key", "exclusions"],
            on=date(2026, 1, 1),
        )
    assert refusal.value.code == ExitCode.AGREEMENT


def test_an_agreement_written_out_says_which_part_goes_to_whom(tmp_path: Path) -> None:
    text = render_agreement(agreement(tmp_path))
    assert "What is sent as identifiers, to Exampleton Linker alone: identifiers" in text
    assert "What is sent as payload: payload" in text
    assert "The column row_key" in text
