"""What is an identifier, and what the linker refuses to hold."""

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.linkage.columns import check_identifiers_alone, is_encoded, match_table


def test_identifiers_tokens_and_keys_may_be_held() -> None:
    check_identifiers_alone(
        ["row_key", "family_key", "forename", "pnc", "encoded_surname", "sex"], where="a parcel"
    )


@pytest.mark.parametrize("beyond", ["exclusions", "status", "ethnicity", "started_on", "other_id"])
def test_anything_else_is_refused_by_name(beyond: str) -> None:
    with pytest.raises(UserError, match=beyond) as refused:
        check_identifiers_alone(["row_key", "surname", beyond], where="a parcel")
    assert refused.value.code is ExitCode.REFUSED


def test_a_table_without_row_keys_is_refused() -> None:
    with pytest.raises(UserError, match="row_key"):
        check_identifiers_alone(["surname"], where="a parcel")


def test_a_table_of_tokens_alone_is_encoded_and_one_with_both_is_not() -> None:
    assert is_encoded(["row_key", "encoded_surname"])
    assert not is_encoded(["row_key", "encoded_surname", "surname"])
    assert not is_encoded(["row_key", "surname"])


def test_tokens_stand_in_the_place_of_identifiers_where_they_are_asked_for() -> None:
    rows = pa.table({"row_key": ["1"], "surname": ["Madeupson"], "encoded_surname": ["QPLMXKD"]})
    assert match_table(rows, "work", encoded=True)["surname"].to_pylist() == ["QPLMXKD"]
    plain = match_table(rows, "work", encoded=False)
    assert plain["surname"].to_pylist() == ["Madeupson"]
    assert plain["source"].to_pylist() == ["work"]
    assert plain["record_key"].to_pylist() == ["1"]


def test_tokens_that_are_not_there_are_refused() -> None:
    with pytest.raises(UserError, match="no field tokens") as refused:
        match_table(pa.table({"row_key": ["1"], "surname": ["Madeupson"]}), "work", encoded=True)
    assert "Madeupson" not in str(refused.value)
