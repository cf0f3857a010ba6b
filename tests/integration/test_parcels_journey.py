"""Two homes get to know each other and pass a parcel, as their people do it on the command line."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode
from families_first.governance.home import Home
from made_up_desk import open_desk, vault_of
from made_up_parcels import AGREEMENT, LINKAGE, RESEARCH, ROLES, ROWS, TITLES


@pytest.fixture
def homes(tmp_path: Path) -> dict[str, Path]:
    for zone, title in TITLES.items():
        home = Home.create(tmp_path / zone, zone=zone, title=title)
        open_desk(home, ROLES[zone])
        open_desk(home, "custodian")
        (home.agreements / "study.toml").write_text(AGREEMENT.format(until="2099-12-31"), encoding="utf-8")
    return {zone: tmp_path / zone for zone in TITLES}


def at(home: Path, role: str = "") -> tuple[object, ...]:
    return "--home", home, "--as", f"made-up-{role or ROLES[home.name]}"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict]:
    code = exit_code_of([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def meet(capsys: pytest.CaptureFixture[str], homes: dict[str, Path]) -> None:
    """Let each home add each other as a partner, comparing what is read out."""
    read_out = {
        zone: run(capsys, "parcel", "identity", "--home", home)[1]["fingerprint"]
        for zone, home in homes.items()
    }
    for zone, home in homes.items():
        for other in set(homes) - {zone}:
            file = homes[other] / "identity.toml"
            code, told = run(
                capsys,
                "parcel",
                "add-partner",
                file,
                "--compared",
                read_out[other].upper(),
                *at(home, "custodian"),
            )
            assert (code, told["added"]) == (0, True)


def seal(capsys: pytest.CaptureFixture[str], home: Path, file: Path) -> tuple[int, dict]:
    return run(
        capsys,
        *("parcel", "seal", file, *at(home), "--agreement", "study-2026", "--purpose", "research"),
        *("--contents", "identifiers", "--to", LINKAGE, "--to", f"{RESEARCH}=payload"),
        *("--group", f"row-key=row_key:{LINKAGE},{RESEARCH}"),
        *("--group", f"identifiers=surname,nino:{LINKAGE}", "--group", f"payload=exclusions:{RESEARCH}"),
    )


def test_a_parcel_goes_from_one_home_to_two_others(
    homes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meet(capsys, homes)
    pq.write_table(ROWS, tmp_path / "split.parquet")
    code, sealed = seal(capsys, homes["council"], tmp_path / "split.parquet")
    assert code == 0
    assert sealed["rows"] == 3
    arrived = tmp_path / "arrived.parcel"
    shutil.copy(homes["council"] / "outbox" / sealed["file"], arrived)

    code, shown = run(capsys, "parcel", "inspect", arrived, *at(homes["linkage"]))
    assert code == 0
    assert shown["signature_holds"] is True
    assert shown["could_open"] is True
    code, shown = run(capsys, "parcel", "inspect", arrived, "--home", tmp_path)
    assert (code, shown["could_open"], shown["signature_holds"]) == (0, None, None)

    for zone, columns in (
        ("linkage", ["row_key", "surname", "nino"]),
        ("research", ["row_key", "exclusions"]),
    ):
        code, opened = run(capsys, "parcel", "open", arrived, *at(homes[zone]))
        assert (code, opened["rows"], opened["columns"]) == (0, 3, columns)
        code, refused = run(capsys, "parcel", "open", arrived, *at(homes[zone]))
        assert code == ExitCode.PARCEL
        assert "opened here already" in refused["error"]["what"]


def test_every_value_of_a_csv_file_arrives_as_the_text_that_it_was(
    homes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meet(capsys, homes)
    file = tmp_path / "split.csv"
    file.write_text(
        'row_key,surname,nino,exclusions\n007,"Made\nUp",QQ999123C,2020-01-01\n008,,"",1.50\n',
        encoding="utf-8",
    )
    code, sealed = seal(capsys, homes["council"], file)
    assert code == 0
    code, _ = run(
        capsys, "parcel", "open", homes["council"] / "outbox" / sealed["file"], *at(homes["linkage"])
    )
    assert code == 0
    vault = vault_of(Home.open(homes["linkage"]))
    [kept] = vault.list("parcel")
    assert vault.read(kept, "rows").to_pydict() == {
        "row_key": ["007", "008"],
        "surname": ["Made\nUp", None],
        "nino": ["QQ999123C", ""],
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("split.csv", b"row_key,surname,nino,exclusions\n1,Zyxmarkersurname\n"),
        ("split.csv", b"row_key,surname,nino,exclusions\n1,\xff\xfe,x,2\n"),
        ("split.csv", b""),
        ("split.parquet", b"PAR1 and nothing else"),
        ("split.xlsx", b"a spreadsheet"),
    ],
    ids=["short line", "not UTF-8", "empty", "no Parquet", "spreadsheet"],
)
def test_a_file_that_is_no_table_is_refused_without_quoting_it(
    homes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    meet(capsys, homes)
    (tmp_path / name).write_bytes(content)
    code, refused = seal(capsys, homes["council"], tmp_path / name)
    assert code == ExitCode.PARCEL
    assert refused["error"]["what"] == "This file cannot be read as a table of rows"
    assert "Zyxmarker" not in json.dumps(refused)
    assert list((homes["council"] / "outbox").iterdir()) == []


def test_a_partner_is_shown_and_not_added_without_a_fingerprint(
    homes: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, own = run(capsys, "parcel", "identity", "--home", homes["council"])
    file = homes["council"] / "identity.toml"
    code, shown = run(capsys, "parcel", "add-partner", file, *at(homes["linkage"], "custodian"))
    assert (code, shown["added"], shown["fingerprint"]) == (0, False, own["fingerprint"])
    code, _ = run(
        capsys, "parcel", "add-partner", file, "--compared", "0000 1111", *at(homes["linkage"], "custodian")
    )
    assert code == ExitCode.PARCEL
    assert list((homes["linkage"] / "partners").iterdir()) == []


@pytest.mark.parametrize(
    "group", ["row_key:linkage", "=row_key:x", "keys=:x", "keys=row_key", "keys=row_key:"]
)
def test_a_group_that_is_not_written_as_one_is_a_fault_of_usage(
    homes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], group: str
) -> None:
    pq.write_table(ROWS, tmp_path / "split.parquet")
    code, _ = run(
        capsys,
        *(
            "parcel",
            "seal",
            tmp_path / "split.parquet",
            *at(homes["council"]),
            "--agreement",
            "study-2026",
        ),
        *("--contents", "identifiers", "--to", LINKAGE, "--group", group),
    )
    assert code == ExitCode.USAGE


def test_the_commands_speak_in_sentences_too(
    homes: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    meet(capsys, homes)
    pq.write_table(ROWS, tmp_path / "split.parquet")
    _, sealed = seal(capsys, homes["council"], tmp_path / "split.parquet")
    parcel = homes["council"] / "outbox" / sealed["file"]
    assert exit_code_of(["parcel", "inspect", str(parcel), *map(str, at(homes["linkage"]))]) == 0
    shown = capsys.readouterr().out
    assert "Open here  yes; it would get row_key, surname, nino" in shown
    assert exit_code_of(["parcel", "open", str(parcel), *map(str, at(homes["linkage"]))]) == 0
    assert "Opened 3 rows of identifiers from council.exampleshire" in capsys.readouterr().out
    assert exit_code_of(["parcel", "inspect", str(parcel), *map(str, at(homes["linkage"]))]) == 0
    assert "Open here  no. This parcel was opened here already" in capsys.readouterr().out
