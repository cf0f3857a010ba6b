"""A made-up custodian who keeps an age identity, a copy of the keys, and a witness's file."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyrage

from families_first.governance.backup.making import Made, make_backup
from families_first.governance.backup.restoring import Outside, Restored, restore
from made_up_records import CUSTODIANS, Programme


@dataclass
class Custodian:
    """Somebody who backs a home up and can restore it; all they keep lies in ``folder``."""

    programme: Programme
    folder: Path

    @classmethod
    def of(cls, programme: Programme, folder: Path) -> "Custodian":
        folder.mkdir()
        identity = folder / "identity.age"
        identity.touch(mode=0o600)
        identity.write_text(f"# made up\n{pyrage.x25519.Identity.generate()}\n")
        return cls(programme, folder)

    @property
    def identity(self) -> Path:
        return self.folder / "identity.age"

    @property
    def recipient(self) -> str:
        line = self.identity.read_text().splitlines()[1]
        return str(pyrage.x25519.Identity.from_str(line).to_public())

    def back_up(self, name: str = "backup.age", *, days: int = 35) -> Made:
        """Make a backup, and copy the keys apart as they are now."""
        desk = self.programme.desk(CUSTODIANS[0])
        made = make_backup(desk, self.folder / name, recipients=[self.recipient], days=days)
        self.copy_keys()
        return made

    def copy_keys(self, name: str = "keys") -> Path:
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return Path(shutil.copytree(self.programme.home.keys, self.folder / name))

    def restore(
        self,
        name: str = "backup.age",
        *,
        to: str = "restored",
        keys: str = "keys",
        tombstones: Path | None = None,
        checkpoints: Path | None = None,
        by: str = CUSTODIANS[0],
    ) -> Restored:
        outside = Outside(self.identity, self.folder / keys, tombstones, checkpoints)
        return restore(
            self.folder / name, to=self.folder / to, outside=outside, named=by, clock=self.programme.clock
        )
