"""Whatever a parcel carries arrives as it was sent, and each home gets the columns of its groups alone."""

import datetime as dt
import itertools
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.governance.parcels import (
    Addressee,
    ColumnGroup,
    Contents,
    open_parcel,
    reading_parcel,
    seal_parcel,
)
from families_first.governance.parcels.agreed import AgreementText, Share, find_agreed
from families_first.governance.purposes import Purpose
from made_up_desk import vault_of
from made_up_parcels import AGREEMENT, LINKAGE, RESEARCH, Circle, circle_in

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WHOLE = st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes()
VALUES: dict[pa.DataType, st.SearchStrategy[object]] = {
    pa.string(): TEXT,
    pa.large_string(): TEXT,
    pa.binary(): st.binary(max_size=8),
    pa.bool_(): st.booleans(),
    pa.int64(): WHOLE,
    pa.int16(): st.integers(-(2**15), 2**15 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(allow_nan=False),
    pa.date32(): st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    pa.timestamp("us"): MOMENTS,
    pa.timestamp("ms", "UTC"): MOMENTS.map(lambda moment: moment.replace(microsecond=0, tzinfo=dt.UTC)),
    pa.decimal128(12, 3): st.decimals(-99999, 99999, places=3).map(Decimal),
    pa.list_(pa.int64()): st.lists(WHOLE | st.none(), max_size=3),
    pa.list_(pa.field("item", pa.string())): st.lists(TEXT | st.none(), max_size=3),
    pa.list_(pa.list_(pa.date32())): st.lists(st.lists(st.dates(), max_size=2), max_size=2),
}
# Names that Parquet's list of column keys, TOML or a path would trip over.
NAMES = st.text(st.sampled_from("ab.,:;=/'\" é"), min_size=1, max_size=6)
HOLDERS = st.sampled_from([(LINKAGE,), (RESEARCH,)])
ROW_KEY = "row_key"


@st.composite
def parcels(draw: st.DrawFn) -> tuple[pa.Table, tuple[ColumnGroup, ...], int]:
    """Return a table, a split of its columns in which both homes get something, and rows a batch.

    Both may have the row key besides, and no other column.
    """
    names = draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=str.strip))
    rows = draw(st.integers(0, 9))
    columns = [
        pa.array(draw(st.lists(VALUES[kind] | st.none(), min_size=rows, max_size=rows)), kind)
        for kind in draw(st.lists(st.sampled_from(list(VALUES)), min_size=len(names), max_size=len(names)))
    ]
    holders = [(LINKAGE,), (RESEARCH,), *draw(st.lists(HOLDERS, max_size=len(names) - 2))]
    places = [
        *range(len(holders)),
        *draw(
            st.lists(
                st.integers(0, len(holders) - 1),
                min_size=len(names) - len(holders),
                max_size=len(names) - len(holders),
            )
        ),
    ]
    order = draw(st.permutations(places))
    groups = tuple(
        ColumnGroup(
            f"group-{number}",
            tuple(name for name, place in zip(names, order, strict=True) if place == number),
            who,
        )
        for number, who in enumerate(holders)
    )
    table = pa.table(columns, names=names)
    if draw(st.booleans()):
        table = table.append_column(ROW_KEY, pa.array(range(rows), pa.int64()))
        groups = (*groups, ColumnGroup("row-key", (ROW_KEY,), (LINKAGE, RESEARCH)))
    return table, groups, draw(st.integers(1, 10))


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Circle:
    return circle_in(tmp_path_factory.mktemp("round-trip"))


def agree_to(circle: Circle, **columns: list[str]) -> None:
    """Let the agreement in each home list the columns of each contents."""
    for desk in (circle.council, circle.linkage, circle.research):
        path: Path = desk.home.agreements / "study.toml"
        before = path.read_text(encoding="utf-8").partition("[files.identifiers")[0]
        files = [
            f'[files.{contents}]\ncontents = "{contents}"\n[files.{contents}.columns]\n'
            + "".join(f'{_quoted(name)} = "Made up to be sent"\n' for name in names)
            for contents, names in columns.items()
        ]
        path.write_text(before + "".join(files), encoding="utf-8")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'


@settings(max_examples=25, deadline=None)
@given(parcels())
def test_each_home_gets_exactly_the_columns_of_its_groups_as_they_were_sent(
    circle: Circle, parcel: tuple[pa.Table, tuple[ColumnGroup, ...], int]
) -> None:
    table, groups, batch_rows = parcel
    wanted = {
        who: [
            name
            for name in table.schema.names
            if any(name in group.columns and who in group.partners for group in groups)
        ]
        for who in (LINKAGE, RESEARCH)
    }
    agree_to(circle, identifiers=wanted[LINKAGE], payload=wanted[RESEARCH])
    sealed = circle.send(
        table=pa.Table.from_batches(table.to_batches(max_chunksize=batch_rows), table.schema),
        groups=groups,
        to=(Addressee(LINKAGE, Contents.IDENTIFIERS), Addressee(RESEARCH, Contents.PAYLOAD)),
    )
    opened = open_parcel(circle.linkage, sealed.path)
    vault = vault_of(circle.linkage.home)
    kept = vault.find("parcel", opened.serial)
    assert kept is not None
    assert vault.read(kept, "rows").equals(table.select(wanted[LINKAGE]))
    with reading_parcel(circle.research, sealed.path) as rows:
        batches = list(rows.batches())
    assert pa.Table.from_batches(batches).equals(table.select(wanted[RESEARCH]))
    sealed.path.unlink()


@settings(max_examples=60, deadline=None)
@given(
    sent=st.lists(st.sampled_from(["row_key", "surname", "nino", "upn", "x"]), unique=True, min_size=1),
    on=st.dates(dt.date(2019, 1, 1), dt.date(2100, 12, 31)),
    sender=st.sampled_from(["Exampleshire", "Elsewhere"]),
    purpose=st.sampled_from(list(Purpose)),
    contents=st.sampled_from(list(Contents)),
    recipient=st.sampled_from(["Exampleton Linker", "Madeup University"]),
)
def test_an_agreement_covers_a_parcel_only_where_every_part_of_it_does(
    circle: Circle,
    *,
    sent: list[str],
    on: dt.date,
    sender: str,
    purpose: Purpose,
    contents: Contents,
    recipient: str,
) -> None:
    agreement = circle.council.home.agreements / "study.toml"
    agreement.write_text(AGREEMENT.format(until="2099-12-31"), encoding="utf-8")
    found = find_agreed(
        circle.council.home,
        "study-2026",
        sender=sender,
        purpose=purpose,
        shares=[Share(recipient, contents, "identifiers", tuple(sent))],
        on=on,
        where="parcel",
    )
    covered = (
        set(sent) <= {"row_key", "surname", "nino"}
        and dt.date(2020, 1, 1) <= on <= dt.date(2099, 12, 31)
        and sender == "Exampleshire"
        and purpose == Purpose.RESEARCH
        and contents == Contents.IDENTIFIERS
        and recipient == "Exampleton Linker"
    )
    assert isinstance(found, AgreementText) == covered


def test_more_rows_than_a_row_group_stream_through_in_order(circle: Circle) -> None:
    rows = 1_200_001
    agree_to(circle, identifiers=["row_key"])
    schema = pa.schema([("row_key", pa.int64())])
    counted = itertools.batched(range(rows), 70_000)
    sealed = seal_parcel(
        circle.council,
        (pa.record_batch([pa.array(each, pa.int64())], schema=schema) for each in counted),
        schema=schema,
        agreement="study-2026",
        to=[Addressee(LINKAGE, Contents.IDENTIFIERS)],
    )
    assert sealed.manifest.body.rows == rows
    with reading_parcel(circle.linkage, sealed.path) as parcel:
        got = pa.Table.from_batches(parcel.batches())["row_key"]
    assert got.to_pylist() == list(range(rows))
