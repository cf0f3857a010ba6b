"""What was opened of one study, as it lies in the vault under pseudonyms and record numbers."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from families_first.errors import ExitCode, UserError
from families_first.governance.vault import DatasetInfo, Vault
from families_first.research.extract.facts import COLUMNS
from families_first.research.extract.features import COUNCIL, Feature
from families_first.research.extract.names import LINKED, LINKS_TABLE, ROWS, links_name
from families_first.research.extract.studies import OPEN, PROGRAMME, SINCE
from families_first.research.protocol.parts import FactTable

_OF_LINK = ("record", "person", "family", "probability")


@dataclass(frozen=True, slots=True)
class LinkedStudy:
    """The datasets of one study.

    ``sections`` are by owner, section and part.
    """

    vault: Vault
    project: str
    links: DatasetInfo
    sections: Mapping[tuple[str, str, str], DatasetInfo]

    @property
    def programme(self) -> DatasetInfo:
        """The council's programme data."""
        return self.sections[COUNCIL, PROGRAMME, OPEN]

    def agreements(self, features: Iterable[Feature]) -> frozenset[str]:
        """Return the ids of the agreements under which the records came that features need."""
        return frozenset(str(each.about["agreement"]) for each in self.used(features, [OPEN, SINCE]))

    def outcomes_from(self, owner: str) -> date | None:
        """Return the day from which an owner's records are outcomes."""
        days = (info.about["outcomes_from"] for (of, _, _), info in self.sections.items() if of == owner)
        return max((date.fromisoformat(day) for day in days if day), default=None)

    def locked_from(self, owners: Iterable[str]) -> date | None:
        """Return the day from which the outcomes of all these owners are locked; None where none are."""
        days = (self.outcomes_from(owner) for owner in owners)
        return max((day for day in days if day is not None), default=None)

    def has_several(self, owner: str) -> bool:
        """Whether an owner may have several records of one person."""
        return any(info.about["repeats_people"] for (of, _, _), info in self.sections.items() if of == owner)

    def links_of(self, owner: str) -> pa.Table:
        """Return an owner's candidate links."""
        table = self.vault.read(self.links, LINKS_TABLE)
        return table.filter(pc.field("owner") == owner).select(list(_OF_LINK))

    def rows_of(self, owner: str, table: FactTable, part: str) -> pa.Table | None:
        """Return an owner's rows of one canonical table; None where that part of it did not come.

        Raises
        ------
        UserError
            BAD_FILE, when the section lacks a column.
        """
        dataset = self.sections.get((owner, table.value, part))
        if dataset is None:
            return None
        rows = self.vault.read(dataset, ROWS)
        missing = [name for name in COLUMNS[table] if name not in rows.schema.names]
        if missing:
            raise UserError(
                f"The {table}s of {owner} lack columns: {', '.join(missing)}",
                where=f"{owner}, {table}",
                fix="Have them listed in the owner's agreement; the owner splits anew with them.",
                code=ExitCode.BAD_FILE,
            )
        if "detail" not in rows.schema.names:
            rows = rows.append_column("detail", pa.nulls(rows.num_rows, pa.string()))
        return rows.select(["record", *COLUMNS[table], "detail"])

    def used(self, features: Iterable[Feature], parts: Collection[str]) -> list[DatasetInfo]:
        """Return the datasets that features need: links, programme, and the owners' sections."""
        wanted = {(each.owner, each.table.value, part) for each in features for part in parts}
        sections = [self.sections[key] for key in sorted(wanted & self.sections.keys())]
        return [self.links, self.programme, *sections]

    def missing(self, features: Iterable[Feature], part: str) -> tuple[str, ...]:
        """Return which sections that features need have not been opened, in words."""
        found = {
            f"{each.table}s of {each.owner}"
            for each in features
            if (each.owner, each.table.value, part) not in self.sections
            and (part == OPEN or self.outcomes_from(each.owner) is not None)
        }
        return tuple(sorted(found))

    def check_has(self, features: Iterable[Feature], part: str) -> None:
        """Refuse when a section that features need has not been opened.

        Raises
        ------
        UserError
            NOT_FOUND or REFUSED, naming each.
        """
        missing = self.missing(features, part)
        if not missing:
            return
        if part == SINCE:
            raise UserError(
                f"Outcomes that the protocol names have not been opened: {', '.join(missing)}",
                where=self.project,
                fix="Seal the protocol, ask for the release, take it in, and open the locked parcels: "
                "`families-first study extract` does so once the release has come.",
                code=ExitCode.REFUSED,
            )
        raise UserError(
            f"What the protocol names has not come: {', '.join(missing)}",
            where=self.project,
            fix="Open the parcels of these owners, or have the owners split what is missing; or leave it "
            "out of the protocol.",
            code=ExitCode.NOT_FOUND,
        )

    def released_for(self, features: Iterable[Feature]) -> frozenset[str]:
        """Return the SHA-256 of the protocols for which the outcomes that features need were released."""
        wanted = {(each.owner, each.table.value, SINCE) for each in features} & self.sections.keys()
        told = (self.sections[key].about.get("released_for") for key in wanted)
        return frozenset(str(each) for each in told if each is not None)

    def check_released(self, features: Iterable[Feature], protocols: Collection[str]) -> None:
        """Refuse outcomes that were released for another protocol than these, by the SHA-256 of their texts.

        Raises
        ------
        UserError
            REFUSED.
        """
        wanted = {(each.owner, each.table.value, SINCE) for each in features}
        of_others = {
            f"{section}s of {owner}"
            for owner, section, part in wanted & self.sections.keys()
            if self.sections[owner, section, part].about.get("released_for") not in protocols
        }
        if of_others:
            raise UserError(
                f"Outcomes were released for another protocol than this: {', '.join(sorted(of_others))}",
                where=self.project,
                fix="What was released for one protocol answers no other. Make what is asked now a new "
                "version of the protocol that they were released for, which says under [[deviations]] what "
                "was changed and why; or have the owners split anew.",
                code=ExitCode.REFUSED,
            )


def linked_study(vault: Vault, project: str) -> LinkedStudy:
    """Return what was opened of a study.

    Raises
    ------
    UserError
        NOT_FOUND, when no spine, or no programme data, were opened.
    """
    links = vault.find(LINKED, links_name(project))
    sections = {
        (info.about["owner"], info.about["section"], info.about["part"]): info
        for info in vault.list(LINKED)
        if info.about.get("project") == project and "section" in info.about
    }
    if links is None or (COUNCIL, PROGRAMME, OPEN) not in sections:
        what = "spine" if links is None else "programme data"
        raise UserError(
            f"No {what} of the study '{project}' have been opened in this home",
            where=project,
            fix="Open the parcels of the linker and the owners first: `families-first study extract` does "
            "so with those in the inbox.",
            code=ExitCode.NOT_FOUND,
        )
    return LinkedStudy(vault, project, links, sections)
