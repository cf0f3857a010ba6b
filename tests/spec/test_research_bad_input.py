"""What comes wrong for a study gets a clear verdict, and never a silent number."""

import shutil
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.policy import Resource
from families_first.governance.study import accept_release, release_outcomes, request_release
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.loading import load_study
from families_first.research.extract.opening import Became, open_study_parcels
from families_first.research.protocol.sealing import seal_protocol
from made_up_desk import vault_of
from made_up_extract import ID, Linked, copied, linked_study_in, seal_spine_table, spine_of
from made_up_protocol import PROTOCOL, changed
from made_up_study import OUTCOMES_FROM, PROTOCOLS, owner_agreement, write_agreement


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    return linked_study_in(tmp_path_factory.mktemp("pattern") / "s", families=40)


@pytest.fixture(scope="module")
def opened_pattern(pattern, tmp_path_factory):
    """The same, with its open parcels opened and its protocol sealed."""
    found = copied(pattern, tmp_path_factory.mktemp("opened") / "s")
    assert not opened(found).refused
    seal_protocol(research(found), found.protocol_file())
    return found


@pytest.fixture
def linked(pattern, tmp_path):
    return copied(pattern, tmp_path / "s")


@pytest.fixture
def ready(opened_pattern, tmp_path):
    return copied(opened_pattern, tmp_path / "s")


def research(linked: Linked):
    return linked.study.desk("research")


def opened(linked: Linked, paths=None):
    return open_study_parcels(research(linked), linked.open_paths if paths is None else paths)


def with_spine(linked: Linked, change) -> Linked:
    """Seal another spine instead: ``change`` gets the rows as dictionaries."""
    rows = change([dict(row) for row in linked.spine.to_pylist()])
    table = pa.Table.from_pylist(rows, schema=linked.spine.schema)
    sealed = seal_spine_table(linked.study, table, linked.splits)
    return Linked(linked.study, linked.truth, linked.splits, table, linked.person_of, sealed)


def only_refusal(result):
    (refused,) = result.refused
    return refused


def first_of(rows, owner, **more):
    return next(
        row
        for row in rows
        if row["owner"] == owner and all(row[name] == value for name, value in more.items())
    )


def duplicate(rows):
    return [*rows, first_of(rows, "justice")]


def two_people_for_one_council_row(rows):
    mine = first_of(rows, "council")
    return [*rows, {**mine, "person": next(r["person"] for r in rows if r["person"] != mine["person"])}]


def more_than_one(rows):
    row = first_of(rows, "education", probability=0.9)
    person = next(r["person"] for r in rows if r["person"] != row["person"])
    return [*rows, {**row, "person": person, "probability": 0.4}]


def two_records_of_one_person(rows):
    row = first_of(rows, "justice", probability=0.9)
    return [*rows, {**row, "row_key": "f" * 32, "probability": 0.5}]


def no_council(rows):
    return [row for row in rows if row["owner"] != "council"]


def two_families(rows):
    row = first_of(rows, "work")
    return [{**each, "family": "e" * 32} if each == row else each for each in rows]


def no_person(rows):
    row = first_of(rows, "work")
    return [{**each, "person": None} if each == row else each for each in rows]


def no_chance(rows):
    row = first_of(rows, "work")
    return [{**each, "probability": 0.0} if each == row else each for each in rows]


def stranger(rows):
    return [*rows, {**first_of(rows, "work"), "row_key": "d" * 32, "person": "c" * 32, "family": None}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (duplicate, "1 links that are there twice (duplicate row keys)"),
        (
            two_people_for_one_council_row,
            "1 row keys of the council that are of several people, or not certain",
        ),
        (more_than_one, "1 row keys whose probabilities add up to more than 1"),
        (two_records_of_one_person, "1 people with several records at justice, which has none twice"),
        (no_council, "nobody of the programme"),
        (two_families, "1 people who are in two families"),
        (no_person, "1 rows without an owner, a row key, a person or a probability"),
        (no_chance, "1 rows with a probability that is not above 0 and at most 1"),
        (stranger, "1 people who are not of the programme"),
    ],
    ids=lambda each: each.__name__ if callable(each) else "",
)
def test_a_spine_that_contradicts_itself_is_refused_whole(linked, change, words):
    result = opened(with_spine(linked, change))
    spine = next(each for each in result.verdicts if each.section == "spine")
    assert spine.became == Became.REFUSED
    assert words in spine.why
    assert spine.error.code == ExitCode.PARCEL
    # Without a spine nothing else is kept either.
    assert {each.became for each in result.verdicts} == {Became.REFUSED}
    assert vault_of(linked.study.research).list("linked") == []


def test_a_spine_of_other_splits_refuses_every_payload(linked):
    study = linked.study
    others = {owner: study.split(owner) for owner in ("education", "justice")}
    spine = seal_spine_table(study, linked.spine, {**linked.splits, **others})
    again = Linked(study, linked.truth, linked.splits, linked.spine, linked.person_of, spine)
    result = opened(again)
    refused = {each.owner for each in result.refused}
    assert refused == {"education", "justice"}
    assert all("another split than the spine" in each.why for each in result.refused)


def test_row_keys_of_another_split_are_refused_even_where_splits_are_not_told(linked):
    keys = set(linked.spine["row_key"].to_pylist())
    fresh = {key: f"{number:032x}" for number, key in enumerate(sorted(keys), 1 << 60)}

    def renamed(rows):
        return [
            {**row, "row_key": fresh[row["row_key"]]} if row["owner"] == "justice" else row for row in rows
        ]

    result = opened(with_spine(linked, renamed))
    assert {(each.owner, each.section) for each in result.refused} == {
        ("justice", "event"),
        ("justice", "episode"),
    }
    assert all("none is of anybody in the spine" in each.why for each in result.refused)


def test_a_second_parcel_of_a_section_is_refused(ready):
    again = ready.study.split("work")
    refused = only_refusal(opened(ready, [again.sections[0].open.path]))
    assert "has sent its section 'episode' before" in refused.why


def test_a_second_spine_is_refused(ready):
    second = seal_spine_table(ready.study, ready.spine, ready.splits)
    refused = only_refusal(opened(ready, [second.path, *ready.open_paths]))
    assert "has a spine already" in refused.why


def test_a_parcel_is_opened_once_and_the_rest_goes_on(ready):
    second = opened(ready)
    assert {each.became for each in second.verdicts} == {Became.OPENED_BEFORE}


def test_payload_without_a_spine_waits_for_it(linked):
    payload = [path for path in linked.open_paths if path != linked.sealed.path]
    result = opened(linked, payload)
    assert all("No spine of the study" in each.why for each in result.refused)
    assert not opened(linked).refused  # the parcels do not count as opened


def release(linked, text=PROTOCOL):
    desk = research(linked)
    seal_protocol(desk, linked.protocol_file(text))
    asked = request_release(desk, ID, PROTOCOLS, linked.locked_paths)
    done = release_outcomes(linked.study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(desk, done.parcel.path)


def test_an_owner_that_sends_late_is_told_when_row_keys_are_gone(linked):
    release(linked)
    assert opened(linked, [*linked.open_paths, *linked.locked_paths]).row_keys_gone
    again = linked.study.split("work")
    refused = only_refusal(opened(linked, [again.sections[0].open.path]))
    assert "came late: the row keys of the study" in refused.why


def test_an_owner_that_sends_late_is_taken_while_others_are_missing_and_the_extract_is_made_anew(linked):
    late = {each.open.path for each in linked.splits["work"].sections}
    opened(linked, [path for path in linked.open_paths if path not in late])
    seal_protocol(research(linked), linked.protocol_file())
    build_extract(research(linked), ID)  # the protocol does not name anything of work
    assert not opened(linked).refused
    text = changed('owner = "education"\ntable = "measure"\nkind = "absence"\nmeasure = "share"',
                   'owner = "work"\ntable = "episode"\nkind = "out_of_work_benefit"')  # fmt: skip
    text = changed("version = 1\n", "version = 2\n", text)
    text += '\n[[deviations]]\non = 2026-03-01\nwhat = "benefits"\nwhy = "asked for"\n'
    seal_protocol(research(linked), linked.protocol_file(text, "second.toml"))
    info = build_extract(research(linked), ID)
    assert info.protocol_version == 2
    assert "work" in {each.owner for each in info.owners}


def test_what_a_protocol_names_and_nobody_sent_is_told(linked):
    late = {each.open.path for each in linked.splits["justice"].sections}
    opened(linked, [path for path in linked.open_paths if path not in late])
    seal_protocol(research(linked), linked.protocol_file())
    with pytest.raises(UserError, match="has not come: events of justice"):
        build_extract(research(linked), ID)


def test_outcomes_that_were_not_released_are_not_made_up(ready):
    build_extract(research(ready), ID)
    with pytest.raises(UserError, match="have not been opened: episodes of education"):
        open_outcomes(research(ready), ID)


def test_outcomes_need_the_extract_of_the_same_version(linked):
    release(linked)
    opened(linked, [*linked.open_paths, *linked.locked_paths])
    with pytest.raises(UserError, match="no extract of this protocol"):
        open_outcomes(research(linked), ID)
    build_extract(research(linked), ID)
    open_outcomes(research(linked), ID)
    text = changed("version = 1\n", "version = 2\n") + (
        '\n[[deviations]]\non = 2026-03-01\nwhat = "nothing else"\nwhy = "asked for"\n'
    )
    seal_protocol(research(linked), linked.protocol_file(text, "second.toml"))
    with (
        research(linked).act("analyse", Resource("StudyExtract", ID)) as act,
        pytest.raises(UserError, match="another version"),
    ):
        load_study(act, ID)
    with pytest.raises(UserError, match="no extract of this protocol"):
        open_outcomes(research(linked), ID)
    build_extract(research(linked), ID)
    open_outcomes(research(linked), ID)
    with research(linked).act("analyse", Resource("StudyExtract", ID)) as act:
        assert load_study(act, ID).provenance.protocol_version == 2


@pytest.mark.parametrize("owner", ["justice", "council"])
def test_an_agreement_that_lapses_stops_everything_made_of_its_records(ready, owner):
    build_extract(research(ready), ID)
    yesterday = date.today() - timedelta(days=1)  # noqa: DTZ011 - the test's own day
    write_agreement(ready.study.research, f"study-{owner}-2026", owner_agreement(owner, until=yesterday))
    words = f"the agreement 'study-{owner}-2026' expired on {yesterday}"
    with pytest.raises(UserError, match=words) as refusal:
        build_extract(research(ready), ID)
    assert refusal.value.code == ExitCode.AGREEMENT
    with (
        research(ready).act("analyse", Resource("StudyExtract", ID)) as act,
        pytest.raises(UserError, match=words),
    ):
        load_study(act, ID)


def test_an_agreement_that_nobody_needs_may_lapse(ready):
    write_agreement(ready.study.research, "study-work-2026", owner_agreement("work", until=date(2020, 7, 1)))
    assert build_extract(research(ready), ID).people


def test_an_empty_comparison_group_is_told_with_the_flow(linked):
    opened(linked)
    text = changed('status = "assessed-only"', 'status = "on-the-waiting-list"')
    seal_protocol(research(linked), linked.protocol_file(text))
    with pytest.raises(UserError) as refusal:
        build_extract(research(linked), ID)
    assert "nobody was assessed only (status 'on-the-waiting-list')" in refusal.value.what
    assert "people of the programme's data" in refusal.value.what
    assert refusal.value.code == ExitCode.REFUSED


def test_whoever_was_assessed_before_outcomes_were_locked_is_left_out(linked):
    study = linked.study
    later = owner_agreement("justice").replace(str(OUTCOMES_FROM), "2022-02-01")
    for home in (study.owners["justice"], study.linkage, study.research):
        write_agreement(home, "study-justice-2026", later)
    splits = study.split_all()
    spine, person_of = spine_of(study, splits)
    again = Linked(study, linked.truth, splits, spine, person_of, seal_spine_table(study, spine, splits))
    assert not opened(again).refused
    seal_protocol(research(linked), linked.protocol_file(changed("k = 3", "k = 2")))
    info = build_extract(research(linked), ID)
    left = {step.label: step.people for step in info.flow}
    assert left["left after those assessed before the day from which outcomes are locked"] == info.people
    assert 0 < info.people < info.flow[0].people


def test_people_who_stand_out_too_much_are_refused(linked):
    opened(linked)
    seal_protocol(research(linked), linked.protocol_file(changed("k = 3", "k = 60")))
    with pytest.raises(UserError, match="cannot be kept from being made out"):
        build_extract(research(linked), ID)
    assert vault_of(linked.study.research).list("extract") == []


def test_parcels_of_nothing_are_told(tmp_path, linked):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no parcel of a study"):
        opened(linked, tmp_path / "empty")
    (tmp_path / "some.parcel").write_bytes(b"no parcel")
    shutil.copy(linked.splits["work"].identifiers.path, tmp_path / "other.parcel")
    result = opened(linked, [*linked.open_paths, tmp_path / "some.parcel", tmp_path / "other.parcel"])
    became = {each.serial: each.became for each in result.verdicts}
    assert became["some.parcel"] == Became.REFUSED
    assert became[linked.splits["work"].identifiers.serial] == Became.NOT_OF_THE_STUDY


def test_a_protocol_that_was_never_sealed_builds_nothing(linked):
    opened(linked)
    with pytest.raises(UserError, match="No protocol is sealed"):
        build_extract(research(linked), ID)


def test_nothing_opened_is_told(linked):
    seal_protocol(research(linked), linked.protocol_file())
    with pytest.raises(UserError, match="have been opened in this home"):
        build_extract(research(linked), ID)


def test_one_family_of_forty_is_people_like_any_other(linked):
    """Size alone breaks nothing: the family is one cluster, and its size is told no further than six."""
    rows = linked.spine.to_pylist()
    people = sorted({row["person"] for row in rows})[:40]
    big = with_spine(
        linked,
        lambda every: [{**row, "family": "f" * 32} if row["person"] in people else row for row in every],
    )
    assert not opened(big).refused
    text = changed('id = "needs"\nfield = "needs"', 'id = "size"\nfield = "family_size"')
    seal_protocol(research(linked), linked.protocol_file(text))
    build_extract(research(linked), ID)
    with research(linked).act("analyse", Resource("StudyExtract", ID)) as act:
        study = load_study(act, ID)
    assert np.bincount(study.family).max() == 40
    assert study.certain["size"].max() <= 6


def test_an_opening_that_was_cut_short_can_be_done_again(linked, monkeypatch):
    from families_first.research.extract import opening

    whole = opening.take_payload

    def fails(parcel, *rest):
        if parcel.manifest.recipients[0].file == "measure":
            next(parcel.batches())
            raise UserError("cut short", fix="again", code=ExitCode.RESOURCE)
        return whole(parcel, *rest)

    monkeypatch.setattr(opening, "take_payload", fails)
    assert [each.section for each in opened(linked).refused] == ["measure"]
    monkeypatch.setattr(opening, "take_payload", whole)
    assert not opened(linked).refused


def test_the_audit_log_tells_what_was_built_and_what_was_refused(ready):
    info = build_extract(research(ready), ID)
    write_agreement(
        ready.study.research, "study-justice-2026", owner_agreement("justice", until=date(2020, 7, 1))
    )
    with pytest.raises(UserError):
        build_extract(research(ready), ID)
    told = [
        (entry.event.outcome.value, entry.event.details.get("sha256"))
        for entry in research(ready).log.entries()
        if entry.event.action == "build-extract"
    ]
    assert ("done", info.sha256) in told
    assert told[-1][0] == "failed"
