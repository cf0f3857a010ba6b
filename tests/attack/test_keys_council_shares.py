"""The council, with everything it holds, does not open what linkage and research keep."""

import itertools
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.home import Home
from families_first.governance.keys import KeyContext, provider_of
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.keys.rotation import rotate
from families_first.governance.keys.shares import recover, words_of
from families_first.governance.keys.unlocking import close, opening_of
from families_first.governance.keys.wrapping import KEY_BYTES, WrappedKey, unwrap_under
from families_first.governance.retention import PROGRAMME_CLASS
from families_first.governance.vault.holdings import folder_of, index_of
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import KeysSection
from made_up_desk import vault_of

CLASS = PROGRAMME_CLASS.id
ROWS = pa.table({"nino": ["QQ999123C"], "line": [2]})
KINDS = ("council", "research-body", "trusted-linker")


def gathered(home: Home, folder: Path, *kinds: str, threshold: int = 2) -> Ceremony:
    people = tuple(
        Holder(f"custodian-{number}", kind, folder / f"{kind}-{number}.txt")
        for number, kind in enumerate(kinds)
    )
    return Ceremony(home, people, threshold)


@pytest.mark.parametrize("zone", ["linkage", "research"])
def test_no_split_gives_public_agencies_enough_shares(tmp_path: Path, zone: str) -> None:
    """Every way to hand three shares to kinds of organisation: allowed where agencies hold one at most."""
    home = Home.create(tmp_path / "home", zone=zone, title="Exampleshire")
    kinds = vocabulary().organisations
    allowed = 0
    for chosen in itertools.combinations_with_replacement(kinds, 3):
        agencies = sum(kinds[each].public_agency for each in chosen)
        try:
            gathered(home, tmp_path, *chosen)
        except UserError as refusal:
            told = refusal
        else:
            assert agencies < 2
            allowed += 1
            continue
        assert agencies >= 2
        assert told.code == ExitCode.REFUSED
        assert "will not be shared with or made available to the local authority" in told.what
    assert allowed > 0


def test_a_higher_threshold_lets_agencies_hold_more_but_never_enough(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "home", zone="research", title="Exampleshire")
    gathered(home, tmp_path, "council", "police", "research-body", "publisher", threshold=3)
    with pytest.raises(UserError, match="Public agencies would hold 3 shares"):
        gathered(home, tmp_path, "council", "police", "court", "publisher", threshold=3)


def keys_in(folder: Path) -> set[bytes]:
    """Return every 32 bytes that somebody with these files could try as a key."""
    from base64 import b64decode

    found = set()
    for path in folder.rglob("*"):
        if path.is_file():
            for line in path.read_bytes().splitlines():
                for word in line.replace(b'"', b" ").split():
                    try:
                        key = b64decode(word, validate=True)
                    except ValueError:
                        continue
                    if len(key) == KEY_BYTES:
                        found.add(key)
    return found


@pytest.mark.parametrize("zone", ["linkage", "research"])
def test_with_every_share_key_file_and_backup_of_the_council_nothing_unlocks(
    tmp_path: Path, zone: str
) -> None:
    """It has its own home and keys, its old share and its new one, and copies of the other home."""
    council = Home.create(tmp_path / "council", zone="council", title="Exampleshire Council")
    vault_of(council).commit("people", "run-1", {"t": ROWS}, retention_class=CLASS, about={})
    home = Home.create(
        tmp_path / zone, zone=zone, title="Exampleshire", keys=KeysSection(provider="custodians")
    )
    for when in ("old", "new"):
        (tmp_path / when).mkdir()
    old, new = (gathered(home, tmp_path / when, *KINDS) for when in ("old", "new"))
    split_master(old, CLASS, provider_of(home, old))
    vault_of(home).commit("people", "run-1", {"t": ROWS}, retention_class=CLASS, about={})
    backups = [shutil.copytree(home.root, tmp_path / "backup-before")]
    rotate(home, CLASS, provider_of(home, new))
    backups.append(shutil.copytree(home.root, tmp_path / "backup-after"))
    close(home)

    shares = [tmp_path / when / "council-0.txt" for when in ("old", "new")]
    given = [(path.name, words_of(path.read_text(), where=path.name)) for path in shares]
    for some in ([given[0]], [given[1]], given):
        with pytest.raises(UserError, match="Too few shares"):
            recover(some)
    tries = keys_in(council.root) | keys_in(tmp_path / "backup-before") | keys_in(tmp_path / "backup-after")
    assert len(tries) > 1, "the council's own master is among them"
    for root in backups:
        copy = Home.open(Path(root))
        opening_of(copy, shares)
        with pytest.raises(UserError):
            vault_of(copy).list("people")
        close(copy)
        [entry] = index_of(copy).entries
        manifest = (folder_of(copy, entry.dataset_id) / "manifest").read_bytes()
        wrapped = WrappedKey.from_json(json.loads(manifest.partition(b"\n")[0])["key"])
        for key in tries:
            with pytest.raises(UserError):
                unwrap_under(key, wrapped, KeyContext(entry.dataset_id, CLASS, home=copy.kind))

    # The attack is a fair one: with one share that is not the council's, the same copy opens.
    copy = Home.open(Path(backups[1]))
    opening_of(copy, [shares[1], tmp_path / "new" / "research-body-1.txt"])
    [kept] = vault_of(copy).list("people")
    assert vault_of(copy).read(kept, "t").equals(ROWS)
    close(copy)
