"""The columns of a file against those that its mapping knows."""

from pathlib import Path

from families_first.council.deliveries.mapping import MappingFile
from families_first.errors import ExitCode, UserError

_MOST_NAMED = 20  # columns in one message


def check_names(path: Path, mapping: MappingFile, header: tuple[str, ...]) -> None:
    """Refuse a header that the mapping would know but for capitals and signs, or hardly knows at all."""
    known = {_bare(name): name for name in mapping.headers}
    unknown = [name for name in header if name not in mapping.headers]
    near = [f'"{name}" for "{known[_bare(name)]}"' for name in unknown if _bare(name) in known]
    if near:
        raise UserError(
            f"The file writes names of columns otherwise than the mapping: {', '.join(near[:_MOST_NAMED])}",
            where=path.name,
            fix="Write them in the mapping and the agreement as the file does, or ask the sender for the "
            "agreed ones.",
            code=ExitCode.BAD_FILE,
        )
    if len(unknown) > _MOST_NAMED:
        raise UserError(
            f"The mapping does not know {len(unknown):,} of the file's {len(header):,} columns, beginning "
            f"with {', '.join(unknown[:3])}; nothing was read",
            where=path.name,
            fix="Ask the sender for a file with the agreed columns alone.",
            code=ExitCode.BAD_FILE,
        )


def check_columns(path: Path, mapping: MappingFile, header: tuple[str, ...]) -> None:
    """Refuse a file with columns that the mapping does not know, or without those that it must have."""
    unknown = [name for name in header if name not in mapping.headers]
    if unknown:
        raise UserError(
            f"The mapping does not know these columns: {', '.join(unknown)}",
            where=path.name,
            fix='Add them under [columns]; a column that is not to be read has type = "ignore".',
            code=ExitCode.BAD_MAPPING,
        )
    missing = [name for name in mapping.must_have if name not in header]
    if missing:
        raise UserError(
            f"The file lacks columns that must be there: {', '.join(missing)}",
            where=path.name,
            fix="Ask the sender for a file with these columns; if one was renamed, correct the mapping.",
            code=ExitCode.BAD_FILE,
        )


def _bare(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())
