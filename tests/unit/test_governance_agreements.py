"""Agreements: read with all faults at once, and asked before anything is read."""

from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import (
    Agreement,
    check_read,
    load_agreement,
    load_agreements,
    render_agreement,
)

TEMPLATE = files("families_first.governance.agreements").joinpath("template.toml").read_text(encoding="utf-8")
IN_FORCE = date(2026, 9, 30)
COLUMNS = ["UPN", "Forename", "Surname", "DOB", "Possible", "Authorised", "Unauthorised"]


def saved(folder: Path, text: str, name: str = "schools.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def agreement(tmp_path: Path) -> Agreement:
    return load_agreement(saved(tmp_path, TEMPLATE))


def ask(agreement: Agreement, **changes: object) -> None:
    question: dict[str, object] = {
        "sender": "Exampleshire schools",
        "purpose": "identify-and-support",
        "mapping_id": "school-attendance",
        "columns": COLUMNS,
        "on": IN_FORCE,
    }
    check_read(agreement, **(question | changes))  # type: ignore[arg-type]


def test_the_template_is_an_agreement(agreement: Agreement) -> None:
    assert agreement.id == "schools-2026"
    assert list(agreement.files["school-attendance"].columns) == COLUMNS


def test_a_file_that_keeps_to_the_agreement_may_be_read(agreement: Agreement) -> None:
    ask(agreement)


@pytest.mark.parametrize("day", [date(2026, 4, 1), date(2027, 3, 31)])
def test_both_ends_of_the_days_in_force_count(agreement: Agreement, day: date) -> None:
    ask(agreement, on=day)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"on": date(2026, 3, 31)}, "not in force until 2026-04-01"),
        ({"on": date(2027, 4, 1)}, "expired on 2027-03-31"),
        ({"sender": "Another council"}, "'Another council' is not a party"),
        ({"sender": ""}, "is not a party"),
        ({"purpose": "research"}, "its purposes are identify-and-support, and not 'research'"),
        ({"mapping_id": "gp-records"}, "covers no file read by the mapping 'gp-records'"),
        ({"columns": [*COLUMNS, "Religion"]}, "columns that are not agreed: Religion"),
        ({"columns": [*COLUMNS, "upn"]}, "columns that are not agreed: upn"),
        ({"columns": [*COLUMNS, "Tutor"]}, "agreed to be taken: Tutor"),
        ({"columns": COLUMNS, "used": [*COLUMNS, "Tutor"]}, "agreed to be taken: Tutor"),
        ({"columns": COLUMNS, "used": [*COLUMNS, "Religion"]}, "agreed to be taken: Religion"),
    ],
)
def test_anything_beyond_the_agreement_is_refused(
    agreement: Agreement, changes: dict[str, object], told: str
) -> None:
    with pytest.raises(UserError) as refusal:
        ask(agreement, **changes)
    assert told in refusal.value.what
    assert refusal.value.code == ExitCode.AGREEMENT


def test_a_column_that_is_not_taken_may_come_along(agreement: Agreement) -> None:
    ask(agreement, columns=[*COLUMNS, "Tutor"], used=COLUMNS)


def test_a_file_may_have_fewer_columns_than_agreed(agreement: Agreement) -> None:
    ask(agreement, columns=COLUMNS[:3])


def test_a_refusal_gives_every_reason_at_once(agreement: Agreement) -> None:
    with pytest.raises(UserError) as refusal:
        ask(
            agreement,
            on=date(2028, 1, 1),
            sender="Nobody",
            purpose="gossip",
            columns=[*COLUMNS, "Religion", "GP"],
        )
    for told in ("expired", "'Nobody'", "'gossip'", "GP, Religion"):
        assert told in refusal.value.what


@pytest.mark.parametrize(
    ("line", "changed", "told"),
    [
        ('id = "schools-2026"', 'id = "Schools 2026"', "id may hold only small letters"),
        ('title = "School attendance and', 'titel = "School attendance and', "titel is not a word"),
        ("made_up = true", 'made_up = "yes"', "made_up must be true or false"),
        ('purposes = ["identify-and-support"]', 'purposes = ["marketing"]', "purposes 1 must be one of"),
        ('purposes = ["identify-and-support"]', "purposes = []", "purposes must not be empty"),
        (
            'purposes = ["identify-and-support"]',
            'purposes = ["identify-and-support", "research"]',
            "gateway CA2004 cannot carry the purpose research",
        ),
        (
            "in_force_from = 2026-04-01",
            'in_force_from = "2026-04-01"',
            "in_force_from must be a date written",
        ),
        ("in_force_from = 2026-04-01", "in_force_from = 2028-04-01", "in_force_to is before in_force_from"),
        ("review_on = 2027-01-31", "review_on = 2029-01-31", "review_on is outside the days in force"),
        ('tag = "CA2004"', 'tag = "GDPR"', "gateway: tag must be one of DEA35"),
        ('name = "Exampleshire schools"', 'name = "Exampleshire Council"', "names an organisation twice"),
        ('role = "controller"', 'role = "processor"', "no controller"),
        ('role = "controller"', 'role = "owner"', "parties 1: role must be one of"),
        (
            '"The sessions out of which absence is counted"',
            '"needed"',
            "does not say why each column is needed: Possible",
        ),
        ('"Tutor" =', '"UPN" =', "as taken and as not taken: UPN"),
    ],
)
def test_each_fault_of_an_agreement_is_told_where_it_is(
    tmp_path: Path, line: str, changed: str, told: str
) -> None:
    assert line in TEMPLATE
    with pytest.raises(UserError) as refusal:
        load_agreement(saved(tmp_path, TEMPLATE.replace(line, changed)))
    assert told in refusal.value.what
    assert refusal.value.where == "schools.toml"
    assert refusal.value.code == ExitCode.AGREEMENT


def test_a_byte_order_mark_before_the_agreement_is_read_over(tmp_path):
    path = tmp_path / "schools.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEMPLATE.encode())
    with_mark = load_agreement(path)
    assert with_mark == load_agreement(saved(tmp_path, TEMPLATE))


def test_a_folder_named_like_an_agreement_is_told(tmp_path):
    (tmp_path / "schools.toml").mkdir()
    with pytest.raises(UserError, match="it is a folder"):
        load_agreement(tmp_path / "schools.toml")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"id = ", "not TOML"),
        (b"id = 'caf\xe9'", "not text in UTF-8"),
        (b"", "10 faults"),
    ],
)
def test_a_file_that_is_not_an_agreement_at_all_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "schools.toml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told):
        load_agreement(path)


def test_a_missing_file_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file") as refusal:
        load_agreement(tmp_path / "gone.toml")
    assert str(tmp_path) not in str(refusal.value)


def test_a_folder_of_agreements_tells_the_faults_of_all_its_files_at_once(tmp_path: Path) -> None:
    saved(tmp_path, TEMPLATE, "a.toml")
    saved(tmp_path, TEMPLATE, "b.toml")
    saved(tmp_path, TEMPLATE.replace("made_up = true", "made_up = 1"), "c.toml")
    saved(tmp_path, "id = ", "d.toml")
    with pytest.raises(UserError) as refusal:
        load_agreements(tmp_path)
    for told in ("3 faults", "b.toml: another file has the id 'schools-2026'", "c.toml: made_up", "d.toml: "):
        assert told in refusal.value.what


def test_a_folder_of_agreements_is_read_by_id(tmp_path: Path) -> None:
    saved(tmp_path, TEMPLATE, "a.toml")
    saved(tmp_path, TEMPLATE.replace('id = "schools-2026"', 'id = "police-2026"'), "b.toml")
    saved(tmp_path, "notes", "notes.txt")
    assert list(load_agreements(tmp_path)) == ["police-2026", "schools-2026"]


@pytest.mark.parametrize(
    ("day", "told"),
    [
        (date(2026, 3, 1), "not yet in force: nothing may be read"),
        (date(2026, 9, 30), "30 September 2026: in force\n"),
        (date(2027, 1, 31), "in force; its review is due"),
        (date(2027, 4, 1), "expired: nothing may be read"),
    ],
)
def test_an_agreement_written_out_says_how_it_stands(agreement: Agreement, day: date, told: str) -> None:
    assert told in render_agreement(agreement, on=day)


def test_an_agreement_written_out_names_every_column_with_its_reason(agreement: Agreement) -> None:
    text = render_agreement(agreement)
    flowing = " ".join(text.split())
    for file in agreement.files.values():
        for name, why in {**file.columns, **file.not_taken}.items():
            assert f"{name} {why}" in flowing
    assert max(map(len, text.splitlines())) <= 100


def test_an_agreement_written_out_says_what_it_does_not_state(agreement: Agreement) -> None:
    silent = render_agreement(agreement)
    assert "Not stated in this agreement\n  - Lawful basis\n" in silent
    stated = render_agreement(agreement.model_copy(update={"lawful_basis": "UK GDPR article 6(1)(e)"}))
    assert "Lawful basis\n  - UK GDPR article 6(1)(e)\n" in stated
