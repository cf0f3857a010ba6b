"""What a split makes of an owner's files: who gets which columns, under which row keys; what is counted."""

import shutil
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from families_first.governance.agreements import Contents
from families_first.governance.audit.event import Outcome
from families_first.governance.parcels import SealedParcel, open_parcel
from families_first.governance.parcels.opening import TABLE
from families_first.governance.purposes import Purpose
from families_first.governance.study import record_objections
from made_up_desk import vault_of
from made_up_study import OWNERS, Study, Truth, locked_paths, study_at, study_in, write_sources

PROTOCOL = b'id = "made-up"\n'


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    root = tmp_path_factory.mktemp("splitting") / "study"
    return root, write_sources(study_in(root), families=12, others=8)


@pytest.fixture
def study(pattern: tuple[Path, Truth], tmp_path: Path) -> Study:
    shutil.copytree(pattern[0], tmp_path / "study")
    return study_at(tmp_path / "study")


@pytest.fixture
def truth(pattern: tuple[Path, Truth]) -> Truth:
    return pattern[1]


def opened(study: Study, home: str, parcel: SealedParcel) -> pa.Table:
    open_parcel(study.desk(home), parcel.path)
    vault = vault_of(study.homes[home])
    return vault.read(vault.find("parcel", parcel.serial), TABLE)


def source(study: Study, owner: str, section: str) -> pa.Table:
    return pa.csv.read_csv(study.sources(owner) / f"{section}.csv")


def test_identifiers_go_to_the_linker_and_payload_to_the_researchers_with_the_listed_columns_alone(
    study: Study,
) -> None:
    for owner, split in study.split_all().items():
        people = split.identifiers.manifest
        assert [each.name for each in people.recipients] == [study.linkage.name]
        assert people.recipients[0].contents == Contents.IDENTIFIERS
        assert [each.name for each in split.sections] == list(OWNERS[owner][3])
        for section in split.sections:
            for parcel in (section.open, section.locked):
                if parcel is not None:
                    assert [each.name for each in parcel.manifest.recipients] == [study.research.name]
                    assert parcel.manifest.recipients[0].contents == Contents.PAYLOAD
                    assert parcel.manifest.recipients[0].file == section.name
        columns = {column.name for parcel in split.parcels for column in parcel.manifest.columns}
        assert columns.isdisjoint({"reference", "family_reference", "shoe_size"})
        assert split.left_out["people.csv"] == ("shoe_size",)


def test_one_row_key_joins_the_parts_of_a_split_as_the_reference_joined_the_files(study: Study) -> None:
    split = study.split("education")
    study.release(PROTOCOL, "made-up", [split])
    people = opened(study, "linkage", split.identifiers)
    upn_of = dict(zip(people["row_key"].to_pylist(), people["upn"].to_pylist(), strict=True))
    assert len(upn_of) == people.num_rows
    assert all(len(key) == 32 and int(key, 16) >= 0 for key in upn_of)
    measures = pa.concat_tables(
        [opened(study, "research", parcel) for parcel in (split.sections[1].open, split.sections[1].locked)]
    )
    given = source(study, "education", "people")
    upn_by_reference = dict(zip(given["reference"].to_pylist(), given["upn"].to_pylist(), strict=True))
    told = source(study, "education", "measure")
    wanted = sorted(
        (upn_by_reference[row["reference"]], row["period_end"], float(row["numerator"]))
        for row in told.to_pylist()
    )
    found = sorted(
        (upn_of[row["row_key"]], row["period_end"], row["numerator"]) for row in measures.to_pylist()
    )
    assert found == wanted


def test_row_keys_and_the_id_of_the_split_are_new_in_each_split(study: Study) -> None:
    first, second = study.split("work"), study.split("work")
    assert first.id != second.id
    assert {parcel.manifest.splits for parcel in first.parcels} == {(first.id,)}
    assert {parcel.manifest.splits for parcel in second.parcels} == {(second.id,)}
    keys = [
        set(opened(study, "linkage", each.identifiers)["row_key"].to_pylist()) for each in (first, second)
    ]
    assert keys[0].isdisjoint(keys[1])


def test_rows_are_not_in_the_order_of_the_files(study: Study) -> None:
    split = study.split("education")
    given = source(study, "education", "people")["upn"].to_pylist()
    found = opened(study, "linkage", split.identifiers)["upn"].to_pylist()
    assert sorted(given) == sorted(found)
    assert given != found
    before = source(study, "education", "measure")
    before = [row["period_end"] for row in before.to_pylist() if row["period_end"] < date(2022, 1, 1)]
    after = opened(study, "research", split.sections[1].open)
    by_person: dict[str, list[date]] = {}
    for row in after.to_pylist():
        by_person.setdefault(row["row_key"], []).append(row["period_end"])
    assert sorted(before) == sorted(after["period_end"].to_pylist())
    assert any(ends != sorted(ends) for ends in by_person.values())


def test_a_family_has_one_random_key_in_the_place_of_the_councils_reference(
    study: Study, truth: Truth
) -> None:
    people = opened(study, "linkage", study.split("council").identifiers)
    given = source(study, "council", "people")
    nino_or_upn = [
        nino or upn for nino, upn in zip(*(given[n].to_pylist() for n in ("nino", "upn")), strict=True)
    ]
    family_of = dict(zip(nino_or_upn, given["family_reference"].to_pylist(), strict=True))
    keys: dict[str, set[str]] = {}
    for row in people.to_pylist():
        keys.setdefault(family_of[row["nino"] or row["upn"]], set()).add(row["family_key"])
    assert all(len(each) == 1 for each in keys.values())
    assert len(set.union(*keys.values())) == len(keys) == 12
    assert all(len(key) == 32 for each in keys.values() for key in each)


def test_columns_have_the_types_of_their_names_from_csv_and_from_parquet_alike(
    study: Study, tmp_path: Path
) -> None:
    from_csv = opened(study, "research", study.split("council").sections[0].open)
    schema = from_csv.schema
    assert schema.field("assessed_on").type == pa.date32()
    assert schema.field("birth_month").type == pa.date32()
    assert schema.field("needs").type == pa.int64()
    assert schema.field("need_crime").type == pa.int64()
    assert schema.field("ethnicity").type == pa.string()
    for path in study.files("council"):
        pq.write_table(pa.csv.read_csv(path), path.with_suffix(".parquet"))
        path.unlink()
    from_parquet = opened(study, "research", study.split("council").sections[0].open)
    assert from_parquet.schema == schema
    order = [(name, "ascending") for name in schema.names if name != "row_key"]
    assert (
        from_csv.drop_columns("row_key")
        .sort_by(order)
        .equals(from_parquet.drop_columns("row_key").sort_by(order))
    )


def test_people_who_objected_are_left_out_of_every_parcel_and_counted(study: Study) -> None:
    given = source(study, "education", "people")
    objecting = given["reference"].to_pylist()[:3]
    upns = set(given["upn"].to_pylist()[:3])
    letter = study.sources("education").parent / "objections.csv"
    pa.csv.write_csv(pa.table({"reference": [*objecting, "NOBODY"]}), letter)
    officer = study.desk("education", "data-protection-officer", purpose=Purpose.PROTECT_DATA)
    assert record_objections(officer, letter).new == 4
    split = study.split("education")
    assert split.objected == 3
    assert split.people == given.num_rows - 3
    assert upns.isdisjoint(opened(study, "linkage", split.identifiers)["upn"].to_pylist())
    measures = source(study, "education", "measure").to_pylist()
    left = [row for row in measures if row["reference"] in objecting]
    section = split.sections[1]
    assert section.objected == len(left) > 0
    assert section.open.manifest.body.rows + section.locked.manifest.body.rows == len(measures) - len(left)


def test_payload_of_nobody_among_the_people_is_left_out_and_counted_and_so_are_people_without_payload(
    study: Study,
) -> None:
    path = study.sources("justice") / "event.csv"
    rows = source(study, "justice", "event").to_pylist()
    strangers = [{**rows[0], "reference": name} for name in ("X1", "X1", "X2", "")]
    known = rows[0]["reference"]
    pa.csv.write_csv(pa.Table.from_pylist([rows[0], *strangers]), path)
    pa.csv.write_csv(
        source(study, "justice", "episode").slice(0, 0), study.sources("justice") / "episode.csv"
    )
    split = study.split("justice")
    events = split.sections[0]
    assert events.rows == 5
    assert events.without_identifiers == 4
    assert events.references_without_identifiers == 3  # two names, and the missing one
    assert events.open.manifest.body.rows + events.locked.manifest.body.rows == 1
    assert split.people_without_payload == split.people - 1
    assert known


def test_a_section_without_rows_is_sent_all_the_same_open_and_locked(study: Study) -> None:
    for section in ("event", "episode"):
        path = study.sources("justice") / f"{section}.csv"
        pa.csv.write_csv(source(study, "justice", section).slice(0, 0), path)
    split = study.split("justice")
    assert [each.manifest.body.rows for each in split.parcels[1:]] == [0, 0, 0, 0]
    assert len(locked_paths([split])) == 2
    study.release(PROTOCOL, "made-up", [split])
    assert opened(study, "research", split.sections[0].locked).num_rows == 0


def test_the_log_has_the_split_with_counts_and_the_vault_keeps_nothing_of_it(study: Study) -> None:
    split = study.split("work")
    events = [entry.event for entry in study.desk("work").log.entries()]
    ended = next(each for each in events if each.action == "split-study" and each.outcome is Outcome.DONE)
    assert ended.details["people"] == split.people
    assert ended.details["parcels"] == 3
    assert ended.resource_id == "study-work-2026"
    sealed = [each for each in events if each.action == "seal-parcel" and each.outcome is Outcome.DONE]
    assert len(sealed) == 3
    home = study.owners["work"]
    assert not list(home.vault.rglob("*"))
    assert not [path for path in home.parcels.iterdir() if path.name != "register"]


def test_space_round_a_reference_makes_no_difference(study: Study) -> None:
    path = study.sources("work") / "people.csv"
    before = study.split("work")
    table = pa.csv.read_csv(path)
    padded = pa.array([f" {each} " for each in table["reference"].to_pylist()])
    pa.csv.write_csv(table.set_column(0, "reference", padded), path)
    after = study.split("work")
    assert after.sections[0].without_identifiers == 0
    assert after.people == before.people
