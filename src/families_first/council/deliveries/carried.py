"""What the home's mappings make of the columns that agreements list: fields of a person, and kinds."""

from collections.abc import Iterable, Iterator, Mapping

from families_first.council.deliveries.mapping import Emit, MappingFile
from families_first.governance.agreements import Agreement
from families_first.records.tables import Table


def carried_by(
    agreements: Iterable[Agreement], mappings: Mapping[str, MappingFile]
) -> dict[tuple[str, str], frozenset[str]]:
    """Return what each agreed file gives, by the agreement's and the file's id; files without a mapping are
    left out.

    What needs a column that the agreement does not list is not given.
    """
    return {
        (agreement.id, file_id): frozenset(_given(mappings[file_id], frozenset(file.columns)))
        for agreement in agreements
        for file_id, file in agreement.files.items()
        if file_id in mappings
    }


def _given(mapping: MappingFile, agreed: frozenset[str]) -> Iterator[str]:
    known = {name for name in mapping.columns if mapping.header_of(name) in agreed}
    for emit in mapping.emit:
        if not _can_be_made(emit, known):
            continue
        if emit.table is Table.PERSON_RECORD:
            yield from (field for field, template in emit.templates() if known.issuperset(template.columns))
        else:
            yield from _kinds(mapping, emit)


def _can_be_made(emit: Emit, known: set[str]) -> bool:
    """Whether the agreed columns are enough for a row."""
    asked = {*emit.when, *emit.when_equals}
    return asked <= known and all(
        any(known.issuperset(template.columns) for template in emit.fields[field]) for field in emit.needed
    )


def _kinds(mapping: MappingFile, emit: Emit) -> Iterator[str]:
    for template in emit.fields["kind"]:
        if template.constant is not None:
            yield template.constant
        elif template.only_column is not None:
            yield from mapping.columns[template.only_column.column].codes.values()
