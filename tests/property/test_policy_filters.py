"""Lists: the rows that a filter lets through are those that a decision allows one by one."""

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from families_first.governance.policy import Context, Principal, Resource, decide
from families_first.governance.policy import filters as filters_module
from families_first.governance.policy.filters import (
    NOTHING,
    UnknownResidualError,
    Where,
    rows_allowed,
)
from families_first.governance.policy.schema import ATTRIBUTES, ZONES
from families_first.governance.vocabulary import vocabulary

WORDS = vocabulary()
FAMILIES = [f"family-{number}" for number in range(12)]
PARCEL_COLUMNS = {name: name for name in ("id", *ATTRIBUTES["Parcel"])}

principals = st.builds(
    Principal,
    id=st.just("somebody"),
    roles=st.frozensets(st.sampled_from(list(WORDS.roles)), min_size=1, max_size=2),
    organisation=st.sampled_from(list(WORDS.organisations)),
    zone=st.sampled_from(ZONES),
    second_factor=st.booleans(),
    caseload=st.frozensets(st.sampled_from(FAMILIES), max_size=6),
)
contexts = st.builds(
    Context,
    purpose=st.sampled_from(list(WORDS.purposes)),
    agreement_in_force=st.booleans(),
    destroy_due=st.sampled_from([False, False, False, True]),
    break_glass=st.booleans(),
)
zones = st.sampled_from([*ZONES, "nowhere"]) | st.none()
parcels = st.lists(
    st.fixed_dictionaries(
        {
            "sender_zone": zones,
            "recipient_zone": zones,
            "recipient_public_agency": st.booleans() | st.none(),
            "contents": st.sampled_from([*WORDS.contents, "something"]) | st.none(),
        }
    ),
    min_size=1,
    max_size=25,
)


def let_through(where: Where, rows: list[dict[str, object]]) -> set[str]:
    types = {name: pa.bool_() if name == "recipient_public_agency" else pa.string() for name in rows[0]}
    with duckdb.connect() as con:
        con.register("things", pa.Table.from_pylist(rows, schema=pa.schema(list(types.items()))))
        found = con.execute(f"SELECT id FROM things WHERE {where.sql}", list(where.parameters)).fetchall()
    return {row[0] for row in found}


@settings(max_examples=100, deadline=None)
@given(
    principal=principals,
    context=contexts,
    action=st.sampled_from(["view-signal", "view-family", "update-case", "break-glass"]),
)
def test_a_filtered_list_of_families_has_the_families_that_may_be_opened(
    principal: Principal, context: Context, action: str
) -> None:
    where = rows_allowed(principal, action, context, {"id": "id"})
    allowed = {
        family
        for family in FAMILIES
        if decide(principal, action, Resource("CaseRecord", family), context).allowed
    }
    assert let_through(where, [{"id": family} for family in FAMILIES]) == allowed


@settings(max_examples=100, deadline=None)
@given(
    principal=principals,
    context=contexts,
    action=st.sampled_from(["seal-parcel", "open-parcel", "inspect-parcel"]),
    rows=parcels,
)
def test_a_filtered_list_of_parcels_has_the_parcels_that_may_be_handled(
    principal: Principal, context: Context, action: str, rows: list[dict[str, object]]
) -> None:
    named = [{"id": f"parcel-{number}", **row} for number, row in enumerate(rows)]
    where = rows_allowed(principal, action, context, PARCEL_COLUMNS)
    allowed = {
        str(row["id"])
        for row in named
        if decide(
            principal,
            action,
            Resource("Parcel", str(row["id"]), {key: row[key] for key in ATTRIBUTES["Parcel"]}),  # type: ignore[misc]
            context,
        ).allowed
    }
    assert let_through(where, named) == allowed


@pytest.mark.parametrize(
    ("role", "action", "context", "rows"),
    [
        ("keyworker", "view-family", Context("identify-and-support"), 2),
        ("keyworker", "view-family", Context("identify-and-support", break_glass=True), 12),
        ("team-manager", "view-family", Context("identify-and-support"), 12),
        ("partner-practitioner", "view-signal", Context("identify-and-support"), 2),
        ("partner-practitioner", "view-family", Context("identify-and-support"), 0),
        ("system-administrator", "view-family", Context("identify-and-support"), 0),
    ],
)
def test_the_list_is_as_long_as_the_need_to_know(role: str, action: str, context: Context, rows: int) -> None:
    person = Principal("somebody", frozenset({role}), "council", "council", caseload=frozenset(FAMILIES[:2]))
    where = rows_allowed(person, action, context, {"id": "id"})
    assert len(let_through(where, [{"id": family} for family in FAMILIES])) == rows


def test_values_are_bound_and_a_column_cannot_say_sql() -> None:
    person = Principal(
        "somebody", frozenset({"keyworker"}), "council", "council", caseload=frozenset({"x' OR TRUE --"})
    )
    where = rows_allowed(person, "view-family", Context("identify-and-support"), {"id": 'id" OR TRUE --'})
    assert "x' OR" not in where.sql
    assert '"id"" OR TRUE --"' in where.sql


@pytest.mark.parametrize(
    "node",
    [
        {"in": {"left": {"unknown": [{"Value": "resource"}]}, "right": {"Value": "x"}}},
        {"like": {"left": {"Value": "x"}, "pattern": []}},
        {"has": {"left": {"unknown": [{"Value": "resource"}]}, "attr": "x"}},
        {"if-then-else": {"if": {"Value": True}, "then": {"Value": True}, "else": {"Value": True}}},
        {"==": {"left": {"Value": 1}, "right": {"Value": 1}}},
        {"Value": "yes"},
        {"contains": {"left": {"unknown": [{"Value": "context"}]}, "right": {"Value": True}}},
        {".": {"left": {"unknown": [{"Value": "resource"}]}, "attr": "no-such-attribute"}},
    ],
)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_a_left_over_of_an_unknown_form_stops_the_list(node: dict[str, object], effect: str) -> None:
    scope = {part: {"op": "All"} for part in ("principal", "action", "resource")}
    residual = {"effect": effect, **scope, "conditions": [{"kind": "when", "body": node}]}
    with pytest.raises(UnknownResidualError):
        filters_module._Writer("CaseRecord", {"id": "id"}).condition({"policy0": residual})


def test_a_scope_that_was_not_evaluated_stops_the_list() -> None:
    residual = {
        "effect": "permit",
        "principal": {"op": "in"},
        "action": {"op": "All"},
        "resource": {"op": "All"},
        "conditions": [],
    }
    with pytest.raises(UnknownResidualError):
        filters_module._Writer("CaseRecord", {"id": "id"}).condition({"policy0": residual})


def test_a_column_that_is_not_named_stops_the_list() -> None:
    person = Principal("somebody", frozenset({"data-lead"}), "council", "council")
    with pytest.raises(UnknownResidualError):
        rows_allowed(person, "inspect-parcel", Context("research"), {"id": "id"})


@pytest.mark.parametrize(
    ("person", "action", "context"),
    [
        (Principal("x", frozenset({"keyworkr"}), "council", "council"), "view-family", Context("research")),
        (Principal("x", frozenset({"keyworker"}), "council", "council"), "peek", Context("research")),
        (Principal("x", frozenset({"keyworker"}), "council", "council"), "view-family", Context("decide")),
        (
            Principal("x", frozenset({"keyworker"}), "council", "council", caseload=frozenset({1, "a"})),  # type: ignore[arg-type]
            "view-family",
            Context("identify-and-support"),
        ),
        (
            Principal('x" or true', frozenset({"team-manager"}), "council", "council"),
            "view-family",
            Context("identify-and-support"),
        ),
    ],
)
def test_a_request_with_a_fault_lists_nothing(person: Principal, action: str, context: Context) -> None:
    assert rows_allowed(person, action, context, {"id": "id"}) == NOTHING
