"""Linking a study: real parcels from the owners, through the linker, to a spine that research opens."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode, UserError
from families_first.governance.parcels import open_parcel
from families_first.governance.parcels.opening import TABLE
from families_first.governance.vault.holdings import index_of
from families_first.linkage.linking import Given, link_study, prepare
from families_first.linkage.plan import LinkPlan, OwnerPlan
from families_first.linkage.quality import SHEET
from families_first.linkage.received import manifest_of
from families_first.linkage.sealing import seal_spine
from families_first.linkage.spine import SPINE
from made_up_desk import vault_of
from made_up_linking import Sent, sent_in, spine_in, truth_of_rows
from made_up_study import LINKING, PROJECT, agreement_text, owner_agreement, study_at, write_agreement

MADE_UP_TRUTH = ("council", "education", "work")


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    return sent_in(tmp_path_factory.mktemp("pattern") / "study", owners=MADE_UP_TRUTH)


@pytest.fixture
def sent(pattern: Sent, tmp_path: Path) -> Sent:
    root = tmp_path / "study"
    shutil.copytree(pattern.study.root, root)
    return Sent(study_at(root), pattern.splits)


@pytest.fixture(scope="module")
def linked(pattern: Sent, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    root = tmp_path_factory.mktemp("linked") / "study"
    shutil.copytree(pattern.study.root, root)
    again = Sent(study_at(root), pattern.splits)
    again.link()
    return again


def without(sent: Sent, owner: str) -> None:
    """Take an owner's identifiers out of the linker's vault, as if they had not come."""
    vault = vault_of(sent.study.linkage)
    vault.remove(*(each for each in vault.list("parcel") if f"-{owner}-" in manifest_of(each).agreement.id))


def test_the_spine_holds_every_row_of_the_council_and_candidates_of_the_others(linked: Sent) -> None:
    spine = spine_in(linked.study)
    assert spine.schema == SPINE
    council = spine.filter(pc.equal(spine["owner"], "council"))
    sent_rows = linked.splits["council"].people
    assert council.num_rows == sent_rows
    assert set(council["probability"].to_pylist()) == {1.0}
    assert council["weight"].null_count == sent_rows
    assert council["family"].null_count == 0
    others = spine.filter(pc.not_equal(spine["owner"], "council"))
    assert set(others["owner"].to_pylist()) == {"education", "work"}
    assert others["weight"].null_count == 0
    assert set(others["person"].to_pylist()) <= set(council["person"].to_pylist())


def test_probabilities_of_a_record_and_of_a_person_add_up_to_one_at_most(linked: Sent) -> None:
    spine = spine_in(linked.study)
    others = spine.filter(pc.not_equal(spine["owner"], "council"))
    for key in ("row_key", "person"):
        sums = others.group_by(["owner", key]).aggregate([("probability", "sum")])["probability_sum"]
        assert pc.max(sums).as_py() <= 1 + 1e-9


def test_figures_are_too_coarse_to_tell_a_pair_of_records_by(linked: Sent) -> None:
    spine = spine_in(linked.study)
    others = spine.filter(pc.not_equal(spine["owner"], "council"))
    probability, weight = others["probability"].to_numpy(), others["weight"].to_numpy()
    assert np.allclose(probability * 1e4, np.round(probability * 1e4))
    assert (weight == np.round(weight)).all()


def test_a_persons_family_is_that_of_the_councils_rows(linked: Sent) -> None:
    spine = spine_in(linked.study)
    families = spine.group_by("person").aggregate([("family", "count_distinct")])
    assert pc.max(families["family_count_distinct"]).as_py() == 1


def test_rows_of_one_person_are_linked(linked: Sent) -> None:
    truth, spine = truth_of_rows(linked.study), spine_in(linked.study)
    person = dict(zip(truth["row_key"].to_pylist(), truth["person"].to_pylist(), strict=True))
    pseudonym = {
        person[row["row_key"]]: row["person"] for row in spine.to_pylist() if row["owner"] == "council"
    }
    links = [
        (row, pseudonym.get(person[row["row_key"]]) == row["person"])
        for row in spine.to_pylist()
        if row["owner"] != "council" and row["probability"] >= 0.5
    ]
    assert len(links) > 60
    assert np.mean([right for _, right in links]) > 0.95


def test_research_opens_the_spine_and_the_sheet_that_travels_with_it(linked: Sent) -> None:
    study = linked.study
    sealed = seal_spine(study.desk("linkage"), PROJECT, LINKING)
    for parcel, schema in ((sealed.spine, SPINE), (sealed.quality, SHEET)):
        opened = open_parcel(study.desk("research"), parcel.path)
        assert opened.contents == "spine"
        assert [each.name for each in opened.columns] == schema.names
    spine = vault_of(study.research).find("parcel", sealed.spine.serial)
    assert spine is not None
    received = vault_of(study.research).read(spine, TABLE)
    order = [("row_key", "ascending"), ("person", "ascending")]
    assert received.sort_by(order).equals(spine_in(study).sort_by(order))
    assert set(sealed.spine.manifest.splits or ()) == {each.id for each in linked.splits.values()}
    assert sealed.quality.manifest.splits == sealed.spine.manifest.splits


def test_the_sheet_tells_of_each_owner_by_group_under_the_headings(linked: Sent) -> None:
    vault = vault_of(linked.study.linkage)
    sheet = vault.read(vault.find("spine", PROJECT), "quality").to_pylist()
    assert {each["heading"].partition(":")[0] for each in sheet} == {
        "Data provision", "Data linkage", "Analysis", "Reporting",
    }  # fmt: skip
    told = {(each["item"], each["measure"], each["group"]) for each in sheet}
    for owner in ("education", "work"):
        assert (owner, "records received", "all") in told
        for measure in ("people linked", "precision, by probabilities"):
            for group in ("all", "sex: F", "official number: one or more"):
                assert (owner, measure, group) in told
    assert all(each["count"] is None or each["count"] >= 10 for each in sheet)


def test_by_the_truth_of_made_up_records_the_sheet_tells_what_is_so(sent: Sent) -> None:
    run = sent.link(given=Given(truth=truth_of_rows(sent.study)))
    for owner in run.owners:
        assert owner.true_precision is not None
        assert owner.true_precision.value > 0.95
        assert owner.true_recall is not None
        assert owner.true_recall.value > 0.9
    told = {each["measure"] for each in run.quality.to_pylist()}
    assert "recall, by the truth of made-up records" in told


def test_the_truth_of_real_people_is_refused(sent: Sent) -> None:
    text = owner_agreement("work").replace("made_up = true", "made_up = false")
    write_agreement(sent.study.linkage, "study-work-2026", text)
    with pytest.raises(UserError, match="study-work-2026") as refused:
        sent.link(given=Given(truth=truth_of_rows(sent.study)))
    assert refused.value.code is ExitCode.REFUSED


def test_an_owner_that_has_not_sent_is_waited_for(sent: Sent) -> None:
    without(sent, "work")
    with pytest.raises(UserError, match="No split of these owners is in the vault: work") as refused:
        sent.link()
    assert refused.value.code is ExitCode.NOT_FOUND
    plan = LinkPlan(project=PROJECT, owners={"education": OwnerPlan()})
    assert [each.owner for each in sent.link(plan=plan).owners] == ["education"]


def test_nobody_is_linked_without_the_council(sent: Sent) -> None:
    without(sent, "council")
    with pytest.raises(UserError, match="No split of these owners is in the vault: council"):
        sent.link()


def send_again(sent: Sent, owner: str) -> str:
    split = sent.study.split(owner)
    return open_parcel(sent.study.desk("linkage"), split.identifiers.path).serial


def test_two_splits_of_one_owner_are_refused_until_somebody_chooses(sent: Sent) -> None:
    first = sent.splits["work"].identifiers.serial
    second = send_again(sent, "work")
    with pytest.raises(UserError) as refused:
        sent.link()
    assert first in refused.value.what
    assert second in refused.value.what
    assert "--latest" in refused.value.fix
    assert {each.owner: each.serial for each in sent.link(latest=True).owners}["work"] == second


def test_a_plan_chooses_one_of_two_splits(sent: Sent) -> None:
    first = sent.splits["work"].identifiers.serial
    send_again(sent, "work")
    plan = LinkPlan(project=PROJECT, owners={"work": OwnerPlan(parcel=first)})
    assert [each.serial for each in sent.link(plan=plan).owners] == [first]
    with pytest.raises(UserError, match="names a parcel of work that is not here"):
        sent.link(plan=LinkPlan(project=PROJECT, owners={"work": OwnerPlan(parcel="0" * 8)}), again=True)


def test_two_splits_of_the_council_are_refused_too(sent: Sent) -> None:
    second = send_again(sent, "council")
    with pytest.raises(UserError, match="council sent 2 splits"):
        sent.link()
    plan = LinkPlan(project=PROJECT, council_parcel=second, owners={"work": OwnerPlan()})
    run = sent.link(plan=plan)
    assert run.council_rows == sent.splits["council"].people


def test_an_agreement_that_lapsed_mid_study_stops_the_linking_and_is_logged(sent: Sent) -> None:
    lapsed = owner_agreement("education", until=date(2020, 12, 31))
    write_agreement(sent.study.linkage, "study-education-2026", lapsed)
    with pytest.raises(UserError, match="study-education-2026") as refused:
        sent.link()
    assert refused.value.code is ExitCode.AGREEMENT
    last = list(sent.study.desk("linkage").log.entries())[-1].event
    assert (last.action, last.outcome, last.resource_id) == ("link-people", "refused", PROJECT)
    plan = LinkPlan(project=PROJECT, owners={"work": OwnerPlan()})
    assert [each.owner for each in prepare(sent.study.desk("linkage"), PROJECT, plan)[1]] == ["work"]


def test_a_parcel_whose_agreement_is_gone_is_told_and_not_passed_over(sent: Sent) -> None:
    (sent.study.linkage.agreements / "study-work-2026.toml").unlink()
    with pytest.raises(UserError, match="under study-work-2026") as refused:
        sent.link()
    assert refused.value.code is ExitCode.AGREEMENT
    assert sent.splits["work"].identifiers.serial in refused.value.what


def replace_rows(sent: Sent, owner: str, rows: pa.Table) -> None:
    """Put other rows in the place of those that an owner sent."""
    vault = vault_of(sent.study.linkage)
    old = next(each for each in vault.list("parcel") if f"-{owner}-" in manifest_of(each).agreement.id)
    vault.remove(old)
    vault.commit(
        "parcel", old.name, {TABLE: rows}, retention_class=old.retention_class, about=dict(old.about)
    )


def rows_sent(sent: Sent, owner: str) -> pa.Table:
    vault = vault_of(sent.study.linkage)
    dataset = next(each for each in vault.list("parcel") if f"-{owner}-" in manifest_of(each).agreement.id)
    return vault.read(dataset, TABLE)


def test_an_owner_without_anybody_is_linked_to_nobody(sent: Sent) -> None:
    replace_rows(sent, "work", rows_sent(sent, "work").slice(0, 0))
    work = next(each for each in sent.link().owners if each.owner == "work")
    assert (work.records, work.candidates, work.links) == (0, 0, 0)
    assert "work" not in spine_in(sent.study)["owner"].to_pylist()


def test_a_council_without_anybody_is_refused(sent: Sent) -> None:
    replace_rows(sent, "council", rows_sent(sent, "council").slice(0, 0))
    with pytest.raises(UserError, match="no rows, so there is nobody to link anybody to"):
        sent.link()


def test_decisions_on_an_owner_that_is_not_linked_are_refused(sent: Sent) -> None:
    with pytest.raises(UserError, match="owners that are not linked: health"):
        sent.link(given=Given(decided={"health": pa.table({"key_l": ["a"]})}))


def test_a_project_that_nobody_agreed_on_is_not_linked(sent: Sent) -> None:
    with pytest.raises(UserError, match="No agreement of this home is of the project 'another-2026'") as no:
        sent.link("another-2026")
    assert PROJECT in no.value.fix


def test_linking_a_second_time_takes_a_word_and_gives_new_pseudonyms(linked: Sent, tmp_path: Path) -> None:
    root = tmp_path / "study"
    shutil.copytree(linked.study.root, root)
    again = Sent(study_at(root), linked.splits)
    before = spine_in(again.study)
    with pytest.raises(UserError, match="were linked before"):
        again.link()
    again.link(again=True)
    after = spine_in(again.study)
    assert not set(before["person"].to_pylist()) & set(after["person"].to_pylist())
    assert not set(before["family"].to_pylist()) & set(after["family"].to_pylist())
    assert [each.kind for each in index_of(again.study.linkage).entries].count("spine") == 1


def test_row_keys_that_stand_twice_or_are_missing_are_refused(sent: Sent) -> None:
    rows = rows_sent(sent, "work")
    keys = rows["row_key"].to_pylist()
    spoilt = pa.array([keys[0], keys[0], None, *keys[3:]], pa.string())
    replace_rows(sent, "work", rows.set_column(0, "row_key", spoilt))
    with pytest.raises(UserError, match="1 rows have no row key, and 1 have one") as refused:
        sent.link()
    assert refused.value.code is ExitCode.BAD_FILE
    assert keys[0] not in str(refused.value)


def test_a_parcel_with_more_than_identifiers_is_refused(sent: Sent, tmp_path: Path) -> None:
    # An agreement may list whatever its parties wrote; the linker holds identifiers all the same.
    text = owner_agreement("work").replace(
        "[files.identifiers.columns]", '[files.identifiers.columns]\nshoe_size = "Nobody knows what for"'
    )
    for home in (sent.study.owners["work"], sent.study.linkage):
        write_agreement(home, "study-work-2026", text)
    without(sent, "work")
    send_again(sent, "work")
    with pytest.raises(UserError, match="more in this parcel than identifiers: shoe_size") as refused:
        sent.link()
    assert refused.value.code is ExitCode.REFUSED


def test_a_spine_is_not_sealed_under_the_agreement_of_another_project(linked: Sent) -> None:
    desk = linked.study.desk("linkage")
    with pytest.raises(UserError, match="There is no spine of the project 'another-2026'") as refused:
        seal_spine(desk, "another-2026", LINKING)
    assert refused.value.code is ExitCode.NOT_FOUND
    text = owner_agreement("education").replace(PROJECT, "another-2026").replace("study-education", "other")
    write_agreement(linked.study.linkage, "other-2026", text)
    with pytest.raises(UserError, match="is of the project 'another-2026'") as other:
        seal_spine(desk, PROJECT, "other-2026")
    assert other.value.code is ExitCode.AGREEMENT
    (linked.study.linkage.agreements / "other-2026.toml").unlink()


def test_a_spine_is_not_sealed_under_an_agreement_that_does_not_list_it(linked: Sent) -> None:
    narrow = agreement_text(
        "narrow-2026",
        {"Exampleshire Trusted Linker": "processor", "Exampleshire University": "controller"},
        {"spine": ("spine", "Exampleshire University", ["owner", "row_key", "person"])},
    )
    write_agreement(linked.study.linkage, "narrow-2026", narrow)
    with pytest.raises(UserError, match="does not list family, probability, weight"):
        seal_spine(linked.study.desk("linkage"), PROJECT, "narrow-2026")
    (linked.study.linkage.agreements / "narrow-2026.toml").unlink()


@pytest.mark.parametrize("role", ["custodian", "data-protection-officer", "senior-responsible-owner"])
def test_nobody_but_the_linker_links(sent: Sent, role: str) -> None:
    desk = sent.study.desk("linkage", role)
    with pytest.raises(UserError) as refused:
        link_study(desk, PROJECT, plan=LinkPlan(project=PROJECT))
    assert refused.value.code is ExitCode.REFUSED


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, object]:
    code = exit_code_of([*map(str, arguments), "--json"])
    said = capsys.readouterr().out
    assert code == 0, said
    return dict(json.loads(said))


def test_the_command_line_links_samples_decides_seals_and_destroys(
    sent: Sent, capsys: pytest.CaptureFixture[str]
) -> None:
    study = sent.study
    at = ("--home", study.linkage.root, "--as", study.desk("linkage").person.id)
    first = run(capsys, "study", "link", PROJECT, *at)
    assert {each["owner"] for each in first["owners"]} == {"education", "work"}
    drawn = run(capsys, "study", "sample", PROJECT, "education", "--labels", 60, *at)
    path = study.linkage.outbox / str(drawn["file"])
    truth = truth_of_rows(study)
    person = dict(zip(truth["row_key"].to_pylist(), truth["person"].to_pylist(), strict=True))
    lines = path.read_text().splitlines()
    answered = [lines[0]]
    for line in lines[1:]:
        left, right, _, *rest = line.split(",")
        same = "yes" if person[left] == person[right] else "no"
        answered.append(",".join([left, right, same, *rest]))
    path.write_text("\n".join(answered) + "\n")
    again = run(capsys, "study", "link", PROJECT, "--again", "--decided", f"education={path}", *at)
    assert again["people"] == first["people"]
    vault = vault_of(study.linkage)
    sheet = vault.read(vault.find("spine", PROJECT), "quality").to_pylist()
    clerical = [each for each in sheet if each["measure"] == "precision, by people's decisions"]
    assert [each["item"] for each in clerical] == ["education"]
    assert clerical[0]["value"] > 0.9
    sealed = run(capsys, "study", "seal-spine", PROJECT, "--agreement", LINKING, *at)
    assert (study.linkage.outbox / sealed["spine"]["file"]).is_file()
    done = run(capsys, "study", "destroy-identifiers", PROJECT, *at)
    assert done["datasets"] == 4
    assert done["files"] == 3, "the sample and two parcels"
    assert not path.exists()
    assert {each.kind for each in index_of(study.linkage).entries} == set()


def test_the_words_for_people_name_nobody(sent: Sent, capsys: pytest.CaptureFixture[str]) -> None:
    study = sent.study
    code = exit_code_of(
        ["study", "link", PROJECT, "--home", str(study.linkage.root), "--as", study.desk("linkage").person.id]
    )
    said = capsys.readouterr().out
    assert code == 0
    assert "Linked 'families-first-2026'" in said
    rows = vault_of(study.linkage)
    for dataset in rows.list("parcel"):
        table = rows.read(dataset, TABLE)
        for column in ("row_key", "surname", "forename", "upn", "nino"):
            if column in table.column_names:
                assert not any(each and each in said for each in table[column].to_pylist())
