"""Whatever fits a canonical table comes back from the vault as it went in."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from families_first.governance.home import Home
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.vault import Vault
from families_first.records.tables import SCHEMAS, Table
from made_up_desk import vault_of

VALUES = {
    pa.string(): st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    pa.date32(): st.dates(dt.date(1, 1, 1), dt.date(9999, 12, 31)),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.float64(): st.floats(allow_nan=False),
}
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def canonical_tables(draw: st.DrawFn) -> tuple[Table, pa.Table]:
    name = draw(st.sampled_from(list(Table)))
    rows = draw(st.integers(0, 6))
    columns = [
        pa.array(
            draw(
                st.lists(
                    st.none() | VALUES[field.type] if field.nullable else VALUES[field.type],
                    min_size=rows,
                    max_size=rows,
                )
            ),
            field.type,
        )
        for field in SCHEMAS[name]
    ]
    return name, pa.Table.from_arrays(columns, schema=SCHEMAS[name])


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    root: Path = tmp_path_factory.mktemp("round-trip") / "home"
    return vault_of(Home.create(root, zone="council", title="Exampleshire Council"))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    named=canonical_tables(),
    about=st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    pieces=st.integers(1, 3),
)
def test_a_canonical_table_comes_back_as_it_went_in(
    vault: Vault, named: tuple[Table, pa.Table], about: dict[str, object], pieces: int
) -> None:
    name, table = named
    with vault.draft("delivery", "a", retention_class=PROGRAMME_CLASS.id) as draft:
        draft.write(name, table.slice(0, 0))
        for batch in table.to_batches(max_chunksize=pieces):
            draft.write(name, batch)
        draft.about.update(about)
    kept = vault.find("delivery", "a")
    assert kept is not None
    assert kept.about == about
    assert kept.tables[name].rows == table.num_rows
    back = vault.read(kept, name)
    assert back.schema.equals(table.schema, check_metadata=True)
    assert back.equals(table)
    vault.remove(kept)
