"""The table of people of an extract: fields made coarse until nobody stands out, and no day."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from families_first.research.extract.anonymity import Anonymised, anonymise
from families_first.research.extract.coarsening import OTHER, ladder_of, top_coded
from families_first.research.extract.cohort import Cohort
from families_first.research.protocol import StudyProtocol
from families_first.research.protocol import fields as names
from families_first.research.study_data import Categories

Floats = npt.NDArray[np.float64]

_FOLDED = (names.ETHNICITY, names.REGION, names.SEX)
"""Fields whose rare values become ``other`` before anything else."""
_KEPT = ("unit", "person", "family", "treated", "start", "quarters_after", "quarters_before")


def person_table(cohort: Cohort, protocol: StudyProtocol) -> tuple[pa.Table, Anonymised]:
    """Return the people of an extract and how well they are hidden.

    Quarters of follow-up are no longer than the protocol looks, so that they tell no more of the day of time
    zero than is needed.

    Raises
    ------
    UserError
        REFUSED, when people cannot be kept from being made out.
    """
    disclosure, table = protocol.disclosure, cohort.people
    k = disclosure.k
    numbers = {name: _numbers(table, name, k) for name in protocol.number_fields()}
    words = {name: Categories.of(_words(table, name)) for name in protocol.word_fields()}
    words |= {name: _folded(words[name], k) for name in _FOLDED if name in words}
    quasi = {name: words[name] for name in disclosure.quasi_identifiers if name in words}
    sensitive = [numbers[name] if name in numbers else words[name].codes for name in disclosure.sensitive]
    done = anonymise(
        quasi,
        {name: ladder_of(name, field, edges=disclosure.age_bands) for name, field in quasi.items()},
        sensitive,
        table["family"].to_numpy(),
        k=k,
        l=disclosure.l,
        order=disclosure.coarsen,
        hide_at_most=disclosure.suppress_at_most,
    )
    fields: Mapping[str, Categories] = {**words, **done.fields}
    follow = protocol.follow_up
    columns: dict[str, pa.Array | pa.ChunkedArray] = {name: table[name] for name in _KEPT}
    columns["quarters_after"] = _at_most(table["quarters_after"], follow.quarters)
    columns["quarters_before"] = _at_most(table["quarters_before"], follow.history)
    columns |= {
        name: pa.DictionaryArray.from_arrays(pa.array(field.codes, pa.int16()), pa.array(field.labels))
        for name, field in fields.items()
    }
    columns |= {name: pa.array(values, pa.float32()) for name, values in numbers.items()}
    return pa.table(columns).combine_chunks(), done


def _words(table: pa.Table, name: str) -> npt.NDArray[np.object_]:
    found: npt.NDArray[np.object_] = table[name].to_numpy(zero_copy_only=False)
    return found


def _numbers(table: pa.Table, name: str, k: int) -> Floats:
    values: Floats = table[name].to_numpy(zero_copy_only=False).astype(np.float64)
    return top_coded(values, k)


def _folded(field: Categories, k: int) -> Categories:
    """Return a field of which the values that fewer than ``k`` people have are ``other``."""
    sizes = np.bincount(field.codes, minlength=len(field.labels))
    labels = [label if size >= k else OTHER for label, size in zip(field.labels, sizes, strict=True)]
    return Categories.of(np.asarray(labels, dtype=object)[field.codes])


def _at_most(column: pa.ChunkedArray, limit: int) -> pa.Array:
    return pa.array(np.clip(column.to_numpy(), 0, limit), pa.int16())
