"""Pseudonyms that are of one project alone, and identifiers that are gone once they were destroyed."""

import hashlib
import hmac
import re
import shutil
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import pyarrow as pa

from families_first.assurance.bench import Bench, called
from families_first.assurance.check import Findings, Tally, check
from families_first.assurance.small_study import PROJECT, SmallStudy, link_another_project
from families_first.errors import ExitCode
from families_first.governance.backup.identities import make_identity
from families_first.governance.backup.making import make_backup
from families_first.governance.backup.restoring import Outside, restore
from families_first.governance.home import Home
from families_first.governance.parcels import open_parcel
from families_first.governance.purposes import Purpose
from families_first.governance.retention.tombstones import TOMBSTONES_FILE
from families_first.governance.vault.holdings import index_of
from families_first.governance.zone_file import Zone
from families_first.linkage.destroying import destroy_identifiers

ANOTHER = "another-made-up-project"
JOINER = "whoever has the spines of two projects"
JOINING = "join them by anything that stands in both"
LINKER = "the linker, with every file of the home"
MAKING = "make a pseudonym again"
RESEARCHERS = "the researchers"
FINDING = "find a row key or an identifier in the study that they have"
AFTERWARDS = "the linker, after the destruction"
RESTORING = "get identifiers back from a copy or a backup"
_DIGITS, _KEY_BYTES = 32, 32
_HEX_KEY = re.compile(rb"[0-9a-f]{64}")
_LARGEST = 32_768  # bytes of a file in which a key is looked for at every place
_JOINING = ("person", "family", "row_key")
_GONE = (ExitCode.VAULT, ExitCode.NOT_FOUND)


@check(
    "pseudonyms-of-the-project-alone",
    tries="join two projects, make a pseudonym again, or get back identifiers that were destroyed",
    unit="keys and files",
    limit_seconds=180,
    attacks=((JOINER, JOINING), (LINKER, MAKING), (RESEARCHERS, FINDING), (AFTERWARDS, RESTORING)),
)
def pseudonyms_of_the_project_alone(bench: Bench) -> Findings:
    """The same people linked for two projects; every file of the linker's home tried as the key; and the
    identifiers, after they were destroyed, from an old copy and from a backup."""
    tally, study = Tally(), bench.study(to_its_end=True)
    spine = study.spine()
    other = link_another_project(bench.study(), ANOTHER)
    with tally.attack(JOINER, JOINING):
        for one, two in product(_JOINING, _JOINING):
            shared = _texts(spine, one) & _texts(other, two)
            tally.count(
                len(_texts(spine, one)), [f"a {one} of one project is a {two} of another"] * len(shared)
            )
    pseudonyms = _texts(spine, "person") | _texts(spine, "family")
    with tally.attack(LINKER, MAKING):
        tried = _make_again(tally, study, pseudonyms, spine)
    with tally.attack(RESEARCHERS, FINDING):
        _search_research(tally, study, spine)
    with tally.attack(AFTERWARDS, RESTORING):
        destroyed = _destroy_and_search(tally, bench, study)
    for home in bench.examined():
        _look_at(tally, home)
    return tally.findings(
        f"The same people were linked for two projects: of {len(pseudonyms):,} pseudonyms none is in both. "
        f"{tried:,} keys, one at each place of each small file of the linker's home and each word that the "
        "linker had, were tried on them. The researchers' records were searched for row keys and "
        f"identifiers. {destroyed} datasets of identifiers were destroyed, and looked for in the home, in "
        "parcels that were kept, in an old copy of the vault and in a backup."
    )


def _texts(table: pa.Table, column: str) -> set[str]:
    return {str(each) for each in table[column].to_pylist() if each is not None}


def _make_again(tally: Tally, study: SmallStudy, pseudonyms: set[str], spine: pa.Table) -> int:
    """Try to make the pseudonym of the first person, with what may be the key; and of everybody, from what
    they are called."""
    home, tried = study.homes.linkage, 0
    told = [f"{PROJECT}\n{of}\n0".encode() for of in ("person", "family")]
    for key in _possible_keys(home):
        tried += 1
        made = any(hmac.digest(key, text, "sha256").hex()[:_DIGITS] in pseudonyms for text in told)
        tally.holds(not made, "what lies in the linker's home makes a pseudonym again")
    words = [*study.sources.words(), *_texts(spine, "row_key"), *map(str, range(2_000))]
    keys = [b"", PROJECT.encode(), home.name.encode(), hashlib.sha256(PROJECT.encode()).digest()]
    for word in words:
        texts = (word.encode(), f"{PROJECT}\nperson\n{word}".encode())
        tried += len(keys)
        made = any(
            hashlib.sha256(key + text).hexdigest()[:_DIGITS] in pseudonyms
            or hmac.digest(key, text, "sha256").hex()[:_DIGITS] in pseudonyms
            for key, text in product(keys, texts)
        )
        tally.holds(not made, "a pseudonym can be made from a number or a word")
    return tried


def _possible_keys(home: Home) -> Iterator[bytes]:
    """Yield what may be a key: every 32 bytes of every small file of a home, and what stands there in hex."""
    for path in sorted(home.root.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        yield from (bytes.fromhex(each.decode()) for each in _HEX_KEY.findall(content))
        if len(content) <= _LARGEST:
            yield from (content[at : at + _KEY_BYTES] for at in range(len(content) - _KEY_BYTES + 1))


def _search_research(tally: Tally, study: SmallStudy, spine: pa.Table) -> None:
    words = set(study.sources.words()) | _texts(spine, "row_key")
    tables = [*study.linked_rows().values(), study.links(), *study.extract().values()]
    for table in tables:
        for name in table.schema.names:
            found = {each for each in table[name].to_pylist() if isinstance(each, str)} & words
            tally.count(table.num_rows, [f"{name} holds a row key or an identifier"] * bool(found))
    kinds = {each.kind for each in index_of(study.homes.research).entries}
    tally.holds("spine" not in kinds, "the row keys are still there after everything has come")
    tally.holds("linked" in kinds, "nothing was linked, so nothing could be found")


def _destroy_and_search(tally: Tally, bench: Bench, study: SmallStudy) -> int:
    """Destroy the identifiers of a study; then look for them everywhere. Returns how many datasets went."""
    home, room = study.homes.linkage, bench.room()
    with study.linking() as vault:
        kept = [*vault.list("parcel"), *vault.list("spine")]
    parcels = [Path(shutil.copy(path, room / path.name)) for path in study.parcels(home)]
    recipient = make_identity(room / "custodian.age")
    custodian = study.desk(home, "custodian", Purpose.PROTECT_DATA)
    make_backup(custodian, room / "backup.age", recipients=[recipient])
    for folder in (home.vault, home.keys):
        shutil.copytree(folder, room / f"before-{folder.name}")
    done = destroy_identifiers(study.linker, PROJECT)
    if done.datasets != len(kept) or not kept:
        tally.doubts.append("Not everything was there that was to be destroyed.")
    left = [each for each in index_of(home).entries if each.kind in ("parcel", "spine")]
    tally.count(len(kept), ["identifiers are in the vault after their destruction"] * len(left))
    files = study.parcels(home)
    tally.count(len(parcels), ["a parcel of identifiers is in the inbox after the destruction"] * len(files))
    for path in parcels:
        tally.refused(
            "a parcel that was kept was opened again",
            lambda path=path: open_parcel(study.linker, path),  # type: ignore[misc]
            ExitCode.PARCEL,
        )
    _search_files(tally, study, home.root)
    for keys in (home.keys, room / "before-keys"):
        restored = restore(
            room / "backup.age",
            to=room / f"restored-{keys.name}",
            outside=Outside(room / "custodian.age", keys, home.retention / TOMBSTONES_FILE, None),
            named=custodian.person.id,
            clock=study.clock,
        )
        tally.holds(not restored.datasets, "a backup gave identifiers back")
        found = index_of(Home.open(room / f"restored-{keys.name}")).entries
        tally.holds(not found, "a restored home lists identifiers")
    shutil.rmtree(home.vault)
    shutil.copytree(room / "before-vault", home.vault)
    again = SmallStudy(study.folder, study.homes, study.sources, study.clock)
    for dataset in kept:
        tally.refused(
            "an old copy of the vault opens with a key that is left",
            lambda dataset=dataset: _read_again(again, dataset.kind, dataset.name),  # type: ignore[misc]
            *_GONE,
        )
    return done.datasets


def _read_again(study: SmallStudy, kind: str, name: str) -> object:
    with study.linking() as vault:
        found = [
            each
            for each in (*vault.list("parcel"), *vault.list("spine"))
            if (each.kind, each.name) == (kind, name)
        ]
        return [vault.read(each, table) for each in found for table in each.tables]


def _search_files(tally: Tally, study: SmallStudy, root: Path) -> None:
    """Search every file of a home for identifiers as they are; those of a few dozen people stand for all."""
    wanted = [each.encode() for each in _some(study.sources.words())]
    for path in sorted(root.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            tally.holds(not any(each in content for each in wanted), "a file of the linker's names somebody")


def _some(words: Iterable[str]) -> list[str]:
    return sorted(set(words))[::97]


def _look_at(tally: Tally, home: Home) -> None:
    """Note where a study is not finished: a linker has identifiers yet, or researchers have row keys."""
    kinds = [each.kind for each in index_of(home).entries]
    held = kinds.count("spine") + (kinds.count("parcel") if home.zone is Zone.LINKAGE else 0)
    if home.zone in (Zone.LINKAGE, Zone.RESEARCH) and held:
        tally.notes.append(f"{called(home)} has {held} datasets that join records: a study is not finished.")
