"""Pairs that people decided, as files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.linkage.candidates import Candidates
from families_first.linkage.decided import decided_of, read_decided
from families_first.linkage.people import programme_of

HEADING = "key_l,key_r,same,stratum,stands_for\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "decided.csv"
    path.write_text(text)
    return path


def test_answers_are_read_and_what_nobody_decided_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, HEADING + "a,x,Yes,2,4.5\nb,y,no,1,2\nc,z,,1,2\nd,w, same ,1,2\n")
    found = read_decided(path)
    assert found["key_l"].to_pylist() == ["a", "b", "d"]
    assert found["right"].to_pylist() == [True, False, True]
    assert found["stratum"].to_pylist() == [2, 1, 1]
    assert found["stands_for"].to_pylist() == [4.5, 2.0, 2.0]


def test_a_file_of_ones_own_needs_no_strata(tmp_path: Path) -> None:
    found = read_decided(written(tmp_path, "key_l,key_r,same\na,x,1\nb,y,0\n"))
    assert found["stratum"].to_pylist() == [0, 0]
    assert found["stands_for"].to_pylist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("key_l,same\na,yes\n", "no column key_r"),
        (HEADING + "a,x,perhaps,1,1\n", "1 answers in the column same are neither yes nor no"),
        (HEADING + "a,x,,1,1\n", "nothing in it was decided"),
        (HEADING + "a,x,yes,first,1\n", "not numbers"),
    ],
)
def test_a_faulty_file_is_refused_without_quoting_it(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UserError) as refused:
        read_decided(written(tmp_path, text))
    assert told in refused.value.what
    assert refused.value.code is ExitCode.BAD_FILE
    assert "perhaps" not in str(refused.value)
    assert "first" not in str(refused.value)


def test_pairs_of_rows_become_pairs_of_people_beside_the_candidates() -> None:
    programme = programme_of(
        pa.table({"row_key": ["c1", "c2", "c3"], "family_key": ["f"] * 3}), np.array([0, 0, 1])
    )
    found = Candidates(
        record=np.array([0, 1]),
        person=np.array([0, 1]),
        row=np.array([0, 2]),
        weight=np.zeros(2),
        probability=np.array([0.9, 0.4]),
        compared=2,
        model="",
    )
    decided = pa.table(
        {
            "key_l": ["c2", "c3", "c1", "gone"],
            "key_r": ["r0", "r1", "r1", "r0"],
            "right": [True, False, True, True],
            "stratum": [0, 0, 1, 1],
            "stands_for": [1.0, 1.0, 2.0, 2.0],
        }
    )
    pairs = decided_of(decided, programme, pa.chunked_array([["r0", "r1"]]), found)
    assert pairs.candidate.tolist() == [0, 1, -1], "another row of the person; a candidate; none"
    assert pairs.right.tolist() == [True, False, True]
