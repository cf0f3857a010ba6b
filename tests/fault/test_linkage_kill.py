"""Killed at any moment: a spine is there whole or not at all, and the next run finishes a destruction."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from families_first.errors import UserError
from families_first.governance.keys import provider_of
from families_first.governance.retention.records import Certificate, read_record
from families_first.governance.retention.register import RecordKind, read_register
from families_first.governance.vault.holdings import index_of
from families_first.linkage.destroying import destroy_identifiers
from families_first.linkage.sealing import seal_spine
from killing import killed_at_each_step
from made_up_desk import vault_of
from made_up_linking import Sent, sent_in
from made_up_study import LINKING, PROJECT, Study, study_at

CHANGES = """
from pathlib import Path
from made_up_study import PROJECT, study_at
from made_up_linking import Sent
from families_first.linkage.destroying import destroy_identifiers
import families_first.linkage.linking

def change(root, name):
    study = study_at(root)
    if name == "destroy":
        destroy_identifiers(study.desk("linkage"), PROJECT)
    else:
        Sent(study, {}).link()
"""

MATRIX = [pytest.param(41, id="every forty-first"), pytest.param(1, id="every", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kill") / "study"
    study = sent_in(root, families=6, others=3).study
    inbox = study.linkage.inbox / "came"
    inbox.mkdir(parents=True)
    for parcel in (study.root / "council" / "outbox").glob("*.parcel"):
        shutil.copy(parcel, inbox)
    for place in (study.root / "owners", study.root / "publication", study.root / "research"):
        shutil.rmtree(place / "outbox", ignore_errors=True)
    return root


@pytest.fixture(scope="module")
def linked(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = Path(shutil.copytree(sent, tmp_path_factory.mktemp("linked") / "study"))
    Sent(study_at(root), {}).link()
    seal_spine(study_at(root).desk("linkage"), PROJECT, LINKING)
    return root


def killed_at_each(name: str, pattern: Path, folder: Path, *, every: int) -> Iterator[tuple[Study, bool]]:
    for _, root, ended in killed_at_each_step(
        CHANGES, name, pattern, folder, more_than=40, fewer_than=4000, stride=every
    ):
        yield study_at(root), ended


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("every", MATRIX)
def test_a_destruction_killed_at_any_step_is_finished_by_the_next_run(
    linked: Path, tmp_path: Path, every: int
) -> None:
    seen = set()
    for study, ended in killed_at_each("destroy", linked, tmp_path, every=every):
        home = study.linkage
        keys = provider_of(home)
        class_id = home.retention_classes[0].id
        entered = [each for each in read_register(home).lines if each.kind is RecordKind.PLAN]
        left = len(index_of(home).entries)
        seen.add((bool(entered), left > 0, len(keys.masters(class_id)), ended))
        if left == 3 and not entered:
            assert len(vault_of(home).list("parcel")) == 2, "not begun: everything opens as before"
        done = destroy_identifiers(study.desk("linkage"), PROJECT)
        plans = [each for each in read_register(home).lines if each.kind is RecordKind.PLAN]
        assert len(plans) == len(done.certificates) == 1
        assert index_of(home).entries == ()
        certificate = read_record(done.certificates[0].read_text(), where="certificate")
        assert isinstance(certificate, Certificate)
        assert len(certificate.datasets) == 3
        assert not set(certificate.masters) & set(keys.masters(class_id))
        assert len(keys.masters(class_id)) == 1
        assert not list(home.inbox.rglob("*.parcel"))
        assert not list(home.outbox.glob("*.parcel"))
        with pytest.raises(UserError, match="no longer in the vault"):
            vault_of(home).read(_gone(linked), "rows")
    assert (True, False, 1, True) in seen
    assert any(begun and not ended for begun, _, _, ended in seen), "killed after it had begun"


def _gone(linked: Path) -> object:
    return vault_of(study_at(linked).linkage).list("parcel")[0]


@pytest.mark.timeout(600)
def test_a_spine_is_whole_or_not_there(sent: Path, tmp_path: Path) -> None:
    for study, ended in killed_at_each("link", sent, tmp_path, every=211):
        names = [each.name for each in index_of(study.linkage).entries if each.kind == "spine"]
        assert names in ([], [PROJECT])
        assert names == [PROJECT] or not ended
        vault = vault_of(study.linkage)
        vault.check()
        if names:
            found = vault.find("spine", PROJECT)
            assert found is not None
            assert vault.read(found, "spine").num_rows > 20
            assert vault.read(found, "quality").num_rows > 20
