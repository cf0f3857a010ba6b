"""A small parcel that would take more memory than there is: refused, or taken apart piece by piece."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from families_first.governance.identity import receiver_of
from families_first.governance.parcels import (
    Addressee,
    Column,
    Contents,
    Manifest,
    ParcelRefusedError,
    Reason,
    open_parcel,
    reading_parcel,
    seal_parcel,
)
from families_first.governance.parcels.column_keys import FOOTER, encrypting, opened_key
from families_first.governance.parcels.container import read_parcel_file
from made_up_parcels import RESEARCH, ROWS, Circle, circle_at, circle_in, resealed

MEBIBYTE = 1 << 20
LARGE = "x" * 300_000
KEPT: list[pa.MemoryPool] = []  # a pool must outlive all that was taken from it


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bombs") / "homes"
    circle_in(root)
    return root


@pytest.fixture
def circle(pattern: Path, tmp_path: Path) -> Circle:
    shutil.copytree(pattern, tmp_path / "homes")
    return circle_at(tmp_path / "homes")


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    """What Arrow takes from now on; its ``max_memory`` is the peak."""
    before = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(before)
    KEPT.append(counted)
    pa.set_memory_pool(counted)
    yield counted
    pa.set_memory_pool(before)


def of_a_liar(circle: Circle, values: list[pa.Array], **how: object) -> Path:
    """Return a parcel that a partner made with a program of its own: true keys, and a body as it likes."""
    path = circle.send(
        table=ROWS.select(["exclusions"]), to=[Addressee(RESEARCH, Contents.PAYLOAD)], groups=()
    ).path
    manifest = read_parcel_file(path).manifest
    identity = receiver_of(circle.research.home)
    sealed = {FOOTER: manifest.footer_key, "all": manifest.groups[0].key}
    keys = {group: opened_key(key, manifest.serial, group, identity) for group, key in sealed.items()}
    written = io.BytesIO()
    schema = pa.schema([("c0", values[0].type)])
    with pq.ParquetWriter(
        written,
        schema,
        use_compliant_nested_type=False,
        encryption_properties=encrypting(manifest.serial, keys, {"all": ["c0"]}),
        **{"compression": "lz4", "write_batch_size": 1, **how},
    ) as writer:
        writer.write_table(
            pa.table([pa.chunked_array(values)], schema=schema), row_group_size=sum(map(len, values))
        )

    def told(manifest: Manifest) -> Manifest:
        body = manifest.body.model_copy(update={"rows": sum(map(len, values))})
        column = Column(name="exclusions", type=str(values[0].type))
        return manifest.model_copy(update={"body": body, "columns": (column,)})

    return resealed(path, path, by=circle.council.home, body=written.getvalue(), change=told)


def repeated(value: str, times: int) -> list[pa.Array]:
    """Return ``value`` many times, in arrays that share one buffer."""
    once = pa.array([value])
    return [once] * times


def a_long_value() -> list[pa.Array]:
    return [pa.array(["x" * (MEBIBYTE + 1)])]


def a_long_list() -> list[pa.Array]:
    return [pa.array([[0] * 65_537])]


BOMBS: dict[str, tuple[object, dict[str, object]]] = {
    "one large value, repeated": (lambda: repeated(LARGE, 1_500), {"dictionary_pagesize_limit": MEBIBYTE}),
    "small values first": (
        lambda: [pa.array(["y"] * 200_000), *repeated(LARGE, 1_500)],
        {"dictionary_pagesize_limit": MEBIBYTE},
    ),
    "one huge value, repeated": (
        lambda: [pa.array(["y"] * 200_000), *repeated("x" * (4 * MEBIBYTE), 100)],
        {"dictionary_pagesize_limit": 64 * MEBIBYTE},
    ),
    "large values in lists": (
        lambda: [pa.array([["y"]] * 20_000), *[pa.array([[LARGE]])] * 1_500],
        {"dictionary_pagesize_limit": MEBIBYTE},
    ),
    "compressed well": (lambda: repeated(LARGE, 1_500), {"use_dictionary": False}),
    "compressed better": (lambda: repeated(LARGE, 300), {"use_dictionary": False, "compression": "zstd"}),
    "each value by the one before": (
        lambda: repeated(LARGE, 300),
        {"use_dictionary": False, "column_encoding": "DELTA_BYTE_ARRAY"},
    ),
    "a huge list": (
        lambda: [
            pa.ListArray.from_arrays(pa.array([0, 20_000_000], pa.int32()), pa.array(np.zeros(20_000_000)))
        ],
        {"write_batch_size": 100_000},
    ),
    "very many rows": (
        lambda: [pa.array(np.zeros(2_000_000, dtype=np.int64))],
        {"write_batch_size": 100_000},
    ),
    "a value that is too long": (a_long_value, {}),
    "a list that is too long": (a_long_list, {}),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_parcel_that_swells_is_refused_before_it_takes_much_memory(
    circle: Circle, bomb: str, request: pytest.FixtureRequest
) -> None:
    values, how = BOMBS[bomb]
    path = of_a_liar(circle, values(), **how)
    pool = request.getfixturevalue("pool")
    with pytest.raises(ParcelRefusedError, match="larger than a parcel carries") as refusal:
        open_parcel(circle.research, path)
    assert refusal.value.reason == Reason.BODY
    assert pool.max_memory() < 256 * MEBIBYTE
    assert not list((circle.research.home.vault / "datasets").glob("*"))


def test_large_values_within_the_limits_stream_through_in_little_memory(
    circle: Circle, pool: pa.MemoryPool
) -> None:
    batch = pa.RecordBatch.from_pydict({"exclusions": [LARGE]})
    path = seal_parcel(
        circle.council,
        [batch] * 2_000,
        schema=batch.schema,
        agreement="study-2026",
        to=[Addressee(RESEARCH, Contents.PAYLOAD)],
    ).path
    assert path.stat().st_size < 50_000
    with reading_parcel(circle.research, path) as parcel:
        pieces = [(piece.num_rows, piece.nbytes) for piece in parcel.batches()]
    assert sum(rows for rows, _ in pieces) == 2_000
    assert max(size for _, size in pieces) < 32 * MEBIBYTE
    assert pool.max_memory() < 256 * MEBIBYTE


def test_a_vault_writes_an_opened_parcel_out_before_it_fills_the_memory(
    circle: Circle, pool: pa.MemoryPool
) -> None:
    batch = pa.RecordBatch.from_pydict({"exclusions": [LARGE]})
    path = seal_parcel(
        circle.council,
        [batch] * 2_000,
        schema=batch.schema,
        agreement="study-2026",
        to=[Addressee(RESEARCH, Contents.PAYLOAD)],
    ).path
    assert open_parcel(circle.research, path).rows == 2_000
    assert pool.max_memory() < 400 * MEBIBYTE


def test_pieces_grow_where_rows_are_small_and_shrink_where_they_are_large(circle: Circle) -> None:
    values = [f"{number:06d}" * (1 if number < 150_000 else 1_000) for number in range(152_000)]
    table = pa.table({"exclusions": values})
    path = circle.send(table=table, to=[Addressee(RESEARCH, Contents.PAYLOAD)], groups=()).path
    with reading_parcel(circle.research, path) as parcel:
        pieces = list(parcel.batches())
    assert pa.Table.from_batches(pieces).equals(table)
    assert max(piece.num_rows for piece in pieces) > 50_000
    assert pieces[0].num_rows == 256
