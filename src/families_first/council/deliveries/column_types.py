"""The words of a mapping: what a column can hold, what happens to a wrong value, formats of files."""

from enum import StrEnum


class ColumnType(StrEnum):
    """What a column holds, and so how its values are checked."""

    TEXT = "text"
    NAME = "name"
    FULL_NAME = "full_name"
    DATE = "date"
    COUNT = "count"
    DECIMAL = "decimal"
    CODE = "code"
    ETHNICITY = "ethnicity"
    NINO = "nino"
    UPN = "upn"
    NHS_NUMBER = "nhs_number"
    ULN = "uln"
    PNC = "pnc"
    POSTCODE = "postcode"
    YES_NO = "yes_no"
    IGNORE = "ignore"


IDENTIFIER_TYPES = frozenset(
    {ColumnType.NINO, ColumnType.UPN, ColumnType.NHS_NUMBER, ColumnType.ULN, ColumnType.PNC}
)
NUMBER_TYPES = frozenset({ColumnType.COUNT, ColumnType.DECIMAL})


class OnBad(StrEnum):
    """What happens to a row when a value of this column is wrong."""

    QUARANTINE = "quarantine"
    BLANK = "blank"


class FileFormat(StrEnum):
    """The formats that can be read."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"
    CIN_CENSUS_XML = "cin-census-xml"


class Kind(StrEnum):
    """Whether a delivery replaces what this mapping sent before, or adds to it."""

    SNAPSHOT = "snapshot"
    CHANGES = "changes"
