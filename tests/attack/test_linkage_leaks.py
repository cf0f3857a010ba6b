"""No name, number or address of the linker's is found outside its vault: in files, logs or messages."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from families_first.cli.main import exit_code_of
from families_first.governance.parcels import open_parcel
from families_first.linkage.sampling import SAMPLE_PREFIX
from made_up_markers import MARKERS, files_that_tell
from made_up_study import LINKING, PROJECT, Study, owner_agreement, study_in, write_agreement, write_sources

OWNERS = ("council", "education")


def study_with_markers(root: Path) -> Study:
    """Make a study in which somebody has a name, an address and a number that stand nowhere else."""
    study = study_in(root, owners=OWNERS)
    write_sources(study, families=20, others=10)
    for owner in OWNERS:
        text = owner_agreement(owner).replace(
            'surname = "The', 'address_line_1 = "The study needs it, as its protocol says"\nsurname = "The', 1
        )
        for home in (study.owners[owner], study.linkage, study.research, study.publication):
            write_agreement(home, f"study-{owner}-2026", text)
        path = study.sources(owner) / "people.csv"
        rows = pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(column_types=_TEXT)).to_pylist()
        for row in rows:
            row["address_line_1"] = "1 Madeup Street"
        marked = next(row for row in rows if row.get("upn"))
        marked |= {"surname": MARKERS[0], "address_line_1": MARKERS[2], "forename": "Zygmunta"}
        if owner == "council":
            marked["nino"] = MARKERS[1]
        pa.csv.write_csv(pa.Table.from_pylist(rows), path)
    return study


_TEXT = dict.fromkeys(("reference", "date_of_birth", "upn", "nino", "shoe_size"), pa.string())


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Give a study beside a folder for temporary files, in which the work is done."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(temporary)
    study = study_with_markers(tmp_path / "study")
    for split in study.split_all().values():
        open_parcel(study.desk("linkage"), split.identifiers.path)
    return study


def test_linking_leaves_no_marker_but_in_the_sample_that_people_asked_for(
    study: Study, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    linkage, at = study.linkage, ("--home", str(study.linkage.root), "--as", study.desk("linkage").person.id)
    assert files_that_tell(linkage.root) == {}, "parcels are encrypted, and so is the vault"
    assert set(files_that_tell(study.root / "council")) == {"inbox/study/people.csv"}, "the search finds them"

    def ran(*arguments: str) -> None:
        assert exit_code_of(["study", *arguments, *at]) == 0

    ran("link", PROJECT)
    ran("seal-spine", PROJECT, "--agreement", LINKING)
    assert files_that_tell(linkage.root) == files_that_tell(tmp_path / "temporary") == {}
    ran("sample", PROJECT, "education", "--labels", "60")
    told = files_that_tell(linkage.root)
    assert set(told) == {f"outbox/{SAMPLE_PREFIX}{PROJECT}-education.csv"}
    exported = tmp_path / "exported"
    officer = study.desk("linkage", "data-protection-officer").person.id
    assert exit_code_of(["audit", "export", str(exported), *at[:2], "--as", officer]) == 0
    assert sum(path.stat().st_size for path in exported.iterdir()) > 1000
    assert files_that_tell(exported) == {}
    ran("destroy-identifiers", PROJECT)
    assert files_that_tell(linkage.root) == files_that_tell(tmp_path / "temporary") == {}
    assert files_that_tell(study.root / "research") == {}
    said = "".join(capfd.readouterr())
    assert not any(marker in said for marker in (*MARKERS, "Zygmunta"))
    logged = " ".join(str(entry) for entry in study.desk("linkage").log.entries())
    assert not any(marker in logged for marker in (*MARKERS, "Zygmunta"))
