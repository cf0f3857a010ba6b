"""The part ``[study]`` of an agreement: what it must say, and how it is shown."""

import tomllib
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement, load_agreement, load_agreements, render_agreement
from made_up_study import LINKER, PUBLISHER, UNIVERSITY, owner_agreement

WHOLE = owner_agreement("justice")


def loaded(folder: Path, text: str) -> Agreement:
    path = folder / "agreement.toml"
    path.write_text(text, encoding="utf-8")
    return load_agreement(path)


def test_an_agreement_says_of_which_study_and_whose_its_records_are(tmp_path: Path) -> None:
    study = loaded(tmp_path, WHOLE).study
    assert (study.project, study.owner) == ("families-first-2026", "justice")
    assert study.outcomes_from == date(2022, 1, 1)
    assert study.outcomes_released_by == PUBLISHER
    assert not study.repeats_people


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('row_key = "row_key"\n', "", "study needs row_key"),
        ('owner = "justice"', 'owner = "The courts"', "small letters, digits and hyphens"),
        ('owner = "justice"', "", "study: owner is missing"),
        ("outcomes_from = 2022-01-01\n", "", "they go together"),
        (f'outcomes_released_by = "{PUBLISHER}"', "", "they go together"),
        (f'outcomes_released_by = "{PUBLISHER}"', 'outcomes_released_by = "Nobody"', "is no party: Nobody"),
        (f'outcomes_released_by = "{PUBLISHER}"', f'outcomes_released_by = "{UNIVERSITY}"', "may not get"),
        ('contents = "identifiers"', 'contents = "spine"', "one file of identifiers, and there are 0"),
        ('contents = "payload"', 'contents = "spine"', "study needs a file of payload"),
        (f'recipient = "{LINKER}"\n', "", "study needs files.identifiers.recipient"),
        (f'recipient = "{UNIVERSITY}"', f'recipient = "{LINKER}"', "go to one organisation"),
        ("detail = ", "postcode = ", "only the row key"),
        ("detail = ", "nhs_number = ", "is payload and lists identifiers: nhs_number"),
        ("detail = ", "family_key = ", "lists family_key, which is for the linker alone"),
        ("detail = ", "reference = ", "lists reference, and row_key goes in its place"),
        ("detail = ", "Reference = ", "lists reference, and row_key goes in its place"),
        ("detail = ", '" REFERENCE " = ', "lists reference, and row_key goes in its place"),
        ("detail = ", "Family_Key = ", "lists family_key, which is for the linker alone"),
        ("pnc = ", "Family_Reference = ", "lists family_reference, and family_key goes in its place"),
        ("pnc = ", "family_reference = ", "lists family_reference, and family_key goes in its place"),
        ('[files.event.columns]\nrow_key = "The study needs it, as its protocol says"',
         "[files.event.columns]", "files.event.columns does not list the row key"),
        ('owner = "justice"', 'owner = "justice"\ncolour = "red"', "colour is not a word"),
    ],
)  # fmt: skip
def test_each_fault_of_a_study_is_told(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in WHOLE
    with pytest.raises(UserError) as refused:
        loaded(tmp_path, WHOLE.replace(old, new))
    assert words in refused.value.what
    assert refused.value.code == ExitCode.AGREEMENT


def test_sex_alone_may_be_sent_as_identifier_and_as_payload_and_only_in_a_study(tmp_path: Path) -> None:
    text = WHOLE.replace("detail = ", "sex = ")
    assert "sex" in loaded(tmp_path, text).files["event"].columns
    outside = "\n".join(
        line for line in text.splitlines() if not line.startswith(("[study]", "project", "owner", "outcomes"))
    )
    assert "study" not in tomllib.loads(outside)
    with pytest.raises(UserError, match="only the row key that row_key names may be in both: sex"):
        loaded(tmp_path, outside)


def test_outcomes_may_be_none_where_an_owner_has_none(tmp_path: Path) -> None:
    text = owner_agreement("council", more='[study]\nproject = "p"\nowner = "council"\nrepeats_people = true')
    study = loaded(tmp_path, text).study
    assert study.outcomes_from is None
    assert study.repeats_people


def test_an_agreement_that_is_written_out_tells_of_the_study_and_its_lock(tmp_path: Path) -> None:
    shown = render_agreement(loaded(tmp_path, WHOLE))
    assert "The project families-first-2026; these records are of the owner justice" in shown
    assert "What happened from 1 January 2022 on is sealed locked" in shown
    assert f"{PUBLISHER} releases it" in " ".join(shown.split())


def test_the_agreements_of_the_made_up_study_that_are_shipped_hold() -> None:
    folder = Path(str(files("families_first.simulation.exampleshire"))) / "study-agreements"
    found = load_agreements(folder)
    owners = {each.study.owner for each in found.values() if each.study}
    assert owners == {
        "council",
        "education",
        "justice",
        "probation",
        "work",
        "health",
        "youth-justice",
    }
    assert {"study-linkage-2026", "study-protocol-2026"} <= set(found)
    assert all(each.made_up for each in found.values())
