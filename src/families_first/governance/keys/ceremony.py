"""The custodians' ceremony: who gets which share of a master, and that no side has enough of them alone."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from families_first.errors import ExitCode, UserError
from families_first.governance.durable import write_durably
from families_first.governance.home import Home
from families_first.governance.keys.key_file import read_private
from families_first.governance.keys.master_files import MasterFiles
from families_first.governance.keys.register import Master, MastersRegister, ShareHeld
from families_first.governance.keys.shares import recover, share_id, share_text, split, words_of
from families_first.governance.keys.wrapping import KeyProvider, fingerprint
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import Zone

WITHHELD_FROM_AGENCIES = frozenset({Zone.LINKAGE, Zone.RESEARCH})
"""Zones whose masters public agencies must not be able to open, however many of them put shares together."""

STEPS = (
    "Gather the custodians and a witness in one room, with a computer off every network and a printer by "
    "cable. Nobody photographs anything.",
    "Agree who holds a share, and for which organisation. In a linkage or research home public agencies "
    "together hold fewer shares than open the master.",
    "Each custodian brings an encrypted medium of their own, on which their share is written.",
    "Run `families-first keys split CLASS --holder NAME:KIND:FILE`, with --holder once for each custodian. "
    "The master is made, split and, in a home of custodians, forgotten; the shares are read back and proved.",
    "Each custodian prints their own share and compares every word.",
    "Prove the papers: custodians type their words, as many as open the master, into "
    "`families-first keys check-shares`.",
    "Each custodian destroys the file, puts the paper into an envelope that shows tampering, signs it across "
    "the seal, and keeps it in a safe of their own organisation.",
    "Read the share ids aloud from `families-first keys shares`; all present sign the list, and the data "
    "protection officer keeps it.",
    "Repeat once a year, and whenever a custodian leaves: `families-first keys rotate CLASS --holder ...` in "
    "a home of custodians, in others `keys rotate CLASS` and then `keys split`. The old shares are "
    "then destroyed, and each holder signs that theirs is.",
)
"""The ceremony, step by step."""

AFTER_SPLITTING = STEPS[4:8]
"""What is left to do once the shares lie in their files: to prove the papers before a file is destroyed."""

_MOST_SHARES = 16  # of SLIP-0039


@dataclass(frozen=True, slots=True)
class Holder:
    """A custodian: the name they sign under, their kind of organisation, and the file for their share."""

    name: str
    organisation: str
    file: Path

    @classmethod
    def parse(cls, text: str) -> "Holder":
        """Read ``name:kind of organisation:file``.

        Raises
        ------
        UserError
            USAGE, when the text is not of that form.
        """
        name, _, rest = text.partition(":")
        organisation, _, file = rest.partition(":")
        if not (name.strip() and organisation.strip() and file):
            raise _refused("A holder is written as name:kind-of-organisation:file", "--holder")
        return cls(name.strip(), organisation.strip(), Path(file))


@dataclass(frozen=True, slots=True)
class Ceremony:
    """Custodians who are gathered to take shares of masters of one home; any ``threshold`` of them open one.

    Raises
    ------
    UserError
        USAGE, when the numbers do not fit, somebody is named twice, or a kind of organisation does not exist.
        REFUSED, when public agencies would together hold enough shares of a linkage or research master.
    """

    home: Home
    holders: tuple[Holder, ...]
    threshold: int = 2

    def __post_init__(self) -> None:
        if not 2 <= self.threshold <= len(self.holders) <= _MOST_SHARES:
            raise _refused(
                f"{self.threshold} of {len(self.holders)} shares is no split among custodians: it takes at "
                f"least two to open, and there are at most {_MOST_SHARES}",
                "--threshold",
            )
        for what, count in (
            ("custodian", Counter(each.name.casefold() for each in self.holders)),
            ("file", Counter(each.file.resolve() for each in self.holders)),
        ):
            if len(count) < len(self.holders):
                raise _refused(f"One {what} is named twice", "--holder")
        kinds = vocabulary().organisations
        for each in self.holders:
            if each.organisation not in kinds:
                raise _refused(f"There is no kind of organisation '{each.organisation}'", "--holder")
        agencies = sum(kinds[each.organisation].public_agency for each in self.holders)
        if self.home.zone in WITHHELD_FROM_AGENCIES and agencies >= self.threshold:
            raise UserError(
                f"Public agencies would hold {agencies} shares, and {self.threshold} open this master. "
                'The notice promises: "the linked personal data will not be shared with or made available to '
                'the local authority or any other public agency"',
                where=f"zone {self.home.zone}",
                fix=f"Give public agencies at most {self.threshold - 1}, and the rest to the linker, the "
                "research body or another independent custodian.",
                code=ExitCode.REFUSED,
            )

    def hand_out(self, retention_class: str, master: bytes) -> tuple[ShareHeld, ...]:
        """Write each custodian's share to their file, and prove from the files that they open the master.

        Raises
        ------
        UserError
            USAGE, when a file exists already or lies inside the home; RESOURCE, when a disk is full.
        """
        for each in self.holders:
            if each.file.resolve().is_relative_to(self.home.root):
                raise _refused("A share may not lie in the home whose keys it opens", each.file.name)
            if each.file.exists():
                raise _refused("There is a file of this name already", each.file.name)
            if not each.file.resolve().parent.is_dir():
                raise _refused("The folder for this file does not exist", each.file.name)
        shares = []
        all_words = split(master, threshold=self.threshold, count=len(self.holders))
        for number, (holder, words) in enumerate(zip(self.holders, all_words, strict=True), start=1):
            shares.append(ShareHeld(id=share_id(words), holder=holder.name, organisation=holder.organisation))
            about = (
                ("Home", self.home.name),
                ("Retention class", retention_class),
                ("Master", fingerprint(master)),
                ("Share", f"{number} of {len(self.holders)}; any {self.threshold} open the master"),
                ("Share id", shares[-1].id),
                ("Holder", f"{holder.name} ({holder.organisation})"),
                ("Made", datetime.now(UTC).date().isoformat()),
            )
            write_durably(holder.file, share_text(words, about).encode())
        self._prove(master)
        return tuple(shares)

    def _prove(self, master: bytes) -> None:
        written = [
            (each.file.name, words_of(read_private(each.file).decode("utf-8"), where=each.file.name))
            for each in self.holders
        ]
        for start in range(len(written)):  # each share takes part at least once
            some = [written[(start + i) % len(written)] for i in range(self.threshold)]
            if recover(some) != [master]:
                raise _refused("The shares do not open the master they were made of", "shares")


def split_master(ceremony: Ceremony, class_id: str, keys: KeyProvider) -> Master:
    """Split the master of a class among custodians; in a home of custodians, make it first.

    In other homes the shares bring the master back when the disk is lost, because no backup holds it.

    Raises
    ------
    UserError
        USAGE, when the master was split already or is in a key service; otherwise as
        :meth:`Ceremony.hand_out`.
    """
    home = ceremony.home
    home.retention_class(class_id)
    register = MastersRegister(home.keys)
    with home.locked():
        if any(each.shares and each.state == "in use" for each in register.masters(class_id)):
            raise _refused(f"The master of class '{class_id}' is split already", "keys", fix=_ROTATE)
        if isinstance(keys, MasterFiles):
            keys.make_master(class_id)
            master = keys.newest_master(class_id)
            shares = ceremony.hand_out(class_id, master)
            register.add(class_id, fingerprint(master), threshold=ceremony.threshold, shares=shares)
        else:
            keys.make_master(class_id)
        entries = [each for each in register.masters(class_id) if each.state == "in use" and each.shares]
    if not entries:
        raise _refused(
            "The master of this class cannot be split: it was destroyed, or is in a key service", "keys"
        )
    return entries[-1]


_ROTATE = "Rotate the class to replace the master and its shares: `families-first keys rotate`."


def _refused(what: str, where: str, *, fix: str = "Correct it and run the command again.") -> UserError:
    return UserError(what, where=where, fix=fix, code=ExitCode.USAGE)
