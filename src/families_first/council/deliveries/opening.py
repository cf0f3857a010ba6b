"""Choosing the reader of a file by the format that its mapping names."""

from pathlib import Path

from families_first.council.deliveries.column_types import FileFormat
from families_first.council.deliveries.mapping import MappingFile
from families_first.council.deliveries.read_census import CensusReader
from families_first.council.deliveries.read_csv import CsvReader
from families_first.council.deliveries.read_parquet import ParquetReader
from families_first.council.deliveries.read_xlsx import XlsxReader
from families_first.council.deliveries.reading import Reader, SameFile, bad_file


def open_delivery(path: Path, mapping: MappingFile) -> Reader:
    """Read the header of a file in the format of its mapping, and no row.

    Raises
    ------
    UserError
        BAD_FILE, when the file is not of that format or its header cannot be used.
    """
    file = SameFile(path)
    known = frozenset(mapping.headers)
    if file.size == 0:
        raise bad_file(path, "The file is empty", "Ask the sender for the file again.")
    match mapping.file.format:
        case FileFormat.CSV:
            return CsvReader(file, mapping.file, known)
        case FileFormat.XLSX:
            return XlsxReader(file, mapping.file, known)
        case FileFormat.PARQUET:
            return ParquetReader(file, known)
        case FileFormat.CIN_CENSUS_XML:
            streams = tuple(dict.fromkeys(emit.from_ for emit in mapping.emit if emit.from_))
            return CensusReader(file, streams)
