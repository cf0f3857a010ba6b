"""Attempts to get at people through the research home: its keys, its commands, its files and its words."""

import ast
import importlib
import inspect
import io
import json
import pkgutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import fields, is_dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import families_first.research.asking
import families_first.research.extract
import families_first.research.protocol
from families_first.cli.main import exit_code_of
from families_first.errors import ExitCode, UserError
from families_first.governance.desk import Act
from families_first.governance.identity import receiver_of
from families_first.governance.parcels import ParcelRefusedError, open_parcel
from families_first.governance.parcels.column_keys import FOOTER, opened_key
from families_first.governance.parcels.container import read_parcel_file
from families_first.governance.parcels.releases import protocol_file
from families_first.governance.policy import Resource
from families_first.governance.study import accept_release, release_outcomes, request_release
from families_first.research.asking import Answer, Question, ask
from families_first.research.extract.building import build_extract, open_outcomes
from families_first.research.extract.loading import load_study
from families_first.research.extract.opening import Became, open_study_parcels
from families_first.research.protocol.sealing import seal_protocol, sealed_protocol
from made_up_desk import vault_of
from made_up_extract import ID, copied, linked_study_in
from made_up_protocol import changed
from made_up_study import PROTOCOLS

SOURCE = Path(families_first.research.__path__[0])
MARKERS = ("Zyxample", "Qwxample", "QQ2", "A999", "Madeup")  # in names and numbers of every made-up person
OTHER_ROLES = (
    "output-checker",
    "linker",
    "custodian",
    "data-protection-officer",
    "auditor",
    "system-administrator",
)
GIVES_ROWS = {"load_study", "read_analysis_file", "find_extract"}
"""The functions that hand data of people to an analysis, in memory, within an act."""


@pytest.fixture(scope="module")
def pattern(tmp_path_factory):
    found = linked_study_in(tmp_path_factory.mktemp("pattern") / "s", families=40)
    desk = found.study.desk("research")
    open_study_parcels(desk, [*found.open_paths, *found.locked_paths])
    seal_protocol(desk, found.protocol_file())
    build_extract(desk, ID)
    return found


@pytest.fixture
def linked(pattern, tmp_path):
    return copied(pattern, tmp_path / "s")


def desk_of(linked):
    return linked.study.desk("research")


def keys_of(home):
    """Every secret that a research home has, as text or bytes."""
    return [path for path in (*home.keys.rglob("*"), *home.root.glob("*.key")) if path.is_file()]


def test_no_key_of_the_research_home_opens_identifiers(linked):
    research = linked.study.research
    for split in linked.splits.values():
        manifest = read_parcel_file(split.identifiers.path).manifest
        assert research.name not in {name for group in manifest.groups for name in group.recipients}
        keys = {FOOTER: manifest.footer_key, **{each.name: each.key for each in manifest.groups}}
        for name, key in keys.items():
            assert opened_key(key, manifest.serial, name, receiver_of(research)) is None
        with pytest.raises(ParcelRefusedError):
            open_parcel(desk_of(linked), split.identifiers.path)
    assert keys_of(research)


def test_no_key_of_the_research_home_opens_outcomes_before_their_release(linked):
    research = linked.study.research
    for path in linked.locked_paths:
        manifest = read_parcel_file(path).manifest
        (group,) = manifest.locked
        assert research.name in group.recipients
        assert opened_key(group.key, manifest.serial, group.name, receiver_of(research)) is None
        with pytest.raises(ParcelRefusedError, match="locked until"):
            open_parcel(desk_of(linked), path)
        body = pa.BufferReader(read_parcel_file(path).body)
        with pytest.raises((OSError, pa.ArrowInvalid)):
            pq.ParquetFile(body)


def released(linked):
    asked = request_release(desk_of(linked), ID, PROTOCOLS, linked.locked_paths)
    done = release_outcomes(linked.study.desk("publication"), asked.path, PROTOCOLS)
    accept_release(desk_of(linked), done.parcel.path)


def outcome_of(result):
    return {each.became for each in result.verdicts if each.part == "since"}


def test_a_protocol_changed_after_sealing_is_refused_at_every_step(linked):
    desk = desk_of(linked)
    path = protocol_file(linked.study.research, ID)
    sealed = path.read_bytes()
    other = linked.protocol_file(changed("k = 3", "k = 2"), "other.toml")

    def refused(step, words="sealed"):
        with pytest.raises(UserError) as refusal:
            step()
        assert words in str(refusal.value)
        assert refusal.value.code in (ExitCode.REFUSED, ExitCode.PARCEL)

    # Sealing: another text under the same version.
    refused(lambda: seal_protocol(desk, other))
    # The sealed file itself changed: release, extract, questions and analysis stop.
    path.write_bytes(sealed.replace(b"k = 3", b"k = 2"))
    refused(lambda: sealed_protocol(desk, ID))
    refused(lambda: request_release(desk, ID, PROTOCOLS, linked.locked_paths))
    refused(lambda: build_extract(desk, ID))
    refused(lambda: ask(desk, ID, Question()))
    with desk.act("analyse", Resource("StudyExtract", ID)) as act:
        refused(lambda: load_study(act, ID))
    # Changed between release and opening: what is locked stays locked.
    path.write_bytes(sealed)
    released(linked)
    path.write_bytes(sealed.replace(b"k = 3", b"k = 2"))
    result = open_study_parcels(desk, linked.locked_paths)
    assert outcome_of(result) == {Became.REFUSED}
    assert all("was changed after it was sealed" in each.why for each in result.refused)
    refused(lambda: open_outcomes(desk, ID))
    # Put back as it was sealed, everything goes on.
    path.write_bytes(sealed)
    assert outcome_of(open_study_parcels(desk, linked.locked_paths)) == {Became.OPENED}
    assert open_outcomes(desk, ID).people


def test_outcomes_that_were_released_for_one_protocol_answer_no_other(linked):
    """Whoever has seen outcomes seals a question that suits them, under an id of its own."""
    desk = desk_of(linked)
    released(linked)
    open_study_parcels(desk, linked.locked_paths)
    assert open_outcomes(desk, ID).people
    another = changed(f'id = "{ID}"', 'id = "what-was-found"')
    seal_protocol(desk, linked.protocol_file(another, "another.toml"))
    build_extract(desk, "what-was-found")
    with pytest.raises(UserError, match="released for another protocol") as refusal:
        open_outcomes(desk, "what-was-found")
    assert refusal.value.code == ExitCode.REFUSED
    # A later version, which names what it changes, is the way that is open.
    second = changed("version = 1\n", "version = 2\n") + (
        '\n[[deviations]]\non = 2026-03-01\nwhat = "one more thing"\nwhy = "asked for"\n'
    )
    assert provenance_of(desk).outcomes_released_for == 0
    seal_protocol(desk, linked.protocol_file(second, "second.toml"))
    build_extract(desk, ID)
    assert open_outcomes(desk, ID).people
    # It is told ever after that it was written when outcomes could have been seen.
    assert provenance_of(desk).outcomes_released_for == 1


def provenance_of(desk):
    with desk.act("analyse", Resource("StudyExtract", ID), agreement_in_force=True) as act:
        return load_study(act, ID).provenance


def test_a_file_beside_the_home_is_no_sealed_protocol(linked):
    from families_first.research.protocol.sealing import check_sealed

    with pytest.raises(UserError, match="not the file that was sealed"):
        check_sealed(desk_of(linked), linked.protocol_file(changed("k = 3", "k = 2"), "other.toml"))
    assert check_sealed(desk_of(linked), linked.protocol_file()).text.protocol.id == ID


def test_a_later_version_must_tell_every_deviation(linked):
    desk = desk_of(linked)
    second = changed("version = 1\n", "version = 2\n")
    told = '\n[[deviations]]\non = 2026-03-01\nwhat = "{}"\nwhy = "asked for"\n'

    def sealed(text):
        return seal_protocol(desk, linked.protocol_file(text, "next.toml"))

    with pytest.raises(UserError, match="version 2 names none"):
        sealed(second)
    with pytest.raises(UserError, match="Make it version 2"):
        sealed(changed("version = 1\n", "version = 3\n") + told.format("much"))
    found = sealed(second + told.format("first"))
    assert [each.id for each in found.before] == [ID]
    third = changed("version = 1\n", "version = 3\n")
    for text in (third + told.format("another"), third + told.format("first")):
        with pytest.raises(UserError, match="as they were, and one more"):
            sealed(text)
    assert sealed(third + told.format("first") + told.format("another")).text.protocol.version == 3
    with pytest.raises(UserError, match="what was sealed does not change"):
        sealed(third + told.format("first") + told.format("a third thing"))
    assert sealed_protocol(desk, ID).text.protocol.version == 3


def test_people_of_two_studies_of_the_same_owners_do_not_join(tmp_path_factory, pattern):
    """The same people, split and linked twice: record numbers and row keys have nothing in common."""
    again = linked_study_in(tmp_path_factory.mktemp("again") / "s", families=40)
    open_study_parcels(again.study.desk("research"), again.open_paths)
    assert not set(pattern.spine["row_key"].to_pylist()) & set(again.spine["row_key"].to_pylist())
    tables = []
    for one in (pattern, again):
        vault = vault_of(one.study.research)
        links = vault.read(vault.find("linked", f"{ID}.links"), "links")
        tables.append({(row["owner"], row["record"]): row["person"] for row in links.to_pylist()})
    # The same number of records each, but a record's number says nothing of whose it is.
    assert tables[0].keys() == tables[1].keys()
    same = sum(tables[0][key] == tables[1][key] for key in tables[0])
    assert same < len(tables[0]) / 4


def test_row_keys_are_nowhere_in_what_an_analysis_or_an_extract_holds(linked):
    keys = set(linked.spine["row_key"].to_pylist())
    vault = vault_of(linked.study.research)
    for kind in ("linked", "extract"):
        for dataset in vault.list(kind):
            assert not keys & set(json.dumps(dict(dataset.about), default=str).split('"'))
            for name in dataset.tables:
                table = vault.read(dataset, name)
                for column in table.schema.names:
                    assert not keys & {each for each in table[column].to_pylist() if isinstance(each, str)}


def test_nothing_of_a_person_stands_in_plain_text_in_the_research_home(linked):
    released(linked)
    desk = desk_of(linked)
    open_study_parcels(desk, linked.locked_paths)
    open_outcomes(desk, ID)
    ask(desk, ID, Question(by=("arm",)))
    wanted = [
        *(marker.encode() for marker in MARKERS if len(marker) > 5),  # shorter ones come by chance
        *(key.encode() for key in linked.spine["row_key"].to_pylist()[:200]),
        *(person.encode() for person in set(linked.spine["person"].to_pylist())),
    ]
    home = linked.study.research
    found = [
        path.name
        for path in home.root.rglob("*")
        if path.is_file() and any(marker in path.read_bytes() for marker in wanted)
    ]
    assert found == []


def test_no_message_of_a_refusal_quotes_a_row_key_or_a_pseudonym(linked):
    rows = linked.spine.to_pylist()
    result = open_study_parcels(
        desk_of(linked), [*linked.open_paths, linked.study.split("work").sections[0].open.path]
    )
    told = " ".join(f"{each.why} {each.error}" for each in result.verdicts)
    assert "has sent its section" in told
    assert not any(row["row_key"] in told or row["person"] in told for row in rows)


@pytest.mark.parametrize(
    "role",
    ["output-checker", "linker", "custodian", "data-protection-officer", "auditor", "system-administrator"],
)
def test_nobody_but_a_researcher_opens_builds_asks_or_analyses(linked, role):
    desk = linked.study.desk("research", role)
    for step in (
        lambda: build_extract(desk, ID),
        lambda: ask(desk, ID, Question()),
        lambda: seal_protocol(desk, linked.protocol_file(changed('"Did', '"Was'), "x.toml")),
    ):
        with pytest.raises(UserError) as refusal:
            step()
        assert refusal.value.code == ExitCode.REFUSED
    with pytest.raises(UserError), desk.act("analyse", Resource("StudyExtract", ID)):
        pass


def test_an_act_that_has_ended_gives_nothing(linked):
    with desk_of(linked).act("analyse", Resource("StudyExtract", ID)) as act:
        pass
    with pytest.raises(UserError, match="come to its end"):
        load_study(act, ID)


def test_analysing_does_not_reach_the_linked_records_or_the_spine(linked):
    from families_first.governance.vault import Vault

    with desk_of(linked).act("analyse", Resource("StudyExtract", ID)) as act:
        vault = Vault(act)
        for kind in ("linked", "spine", "parcel"):
            with pytest.raises(UserError, match="does not reach so far"):
                vault.list(kind)


# --- no rows out -----------------------------------------------------------------------------------------


def public_functions():
    for package in (
        families_first.research.asking,
        families_first.research.extract,
        families_first.research.protocol,
    ):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            loaded = importlib.import_module(module.name)
            for name, found in vars(loaded).items():
                if inspect.isfunction(found) and found.__module__ == loaded.__name__ and name[0] != "_":
                    yield loaded, name, found


def takes_a_desk(found):
    return any("Desk" in str(each) for each in found.__annotations__.values())


def holds_rows(kind, seen=()):
    """Whether a type holds anything as long as there are people: a table, an array, or what has one."""
    text = str(kind)
    if any(word in text for word in ("ndarray", "pyarrow", "NDArray", "Panel", "Categories", "StudyData")):
        return True
    return (
        is_dataclass(kind)
        and kind not in seen
        and any(holds_rows(each.type, (*seen, kind)) for each in fields(kind))
    )


def test_nothing_that_a_desk_can_ask_for_gives_rows():
    """Whoever sits at a desk gets counts and verdicts; data of people need an act of analysis."""
    asked = [(module, name, found) for module, name, found in public_functions() if takes_a_desk(found)]
    assert {name for _, name, _ in asked} >= {"ask", "build_extract", "open_outcomes", "open_study_parcels"}
    giving = [
        f"{module.__name__}.{name}"
        for module, name, found in asked
        if holds_rows(inspect.signature(found, eval_str=False).return_annotation)
        or holds_rows(getattr(module, str(found.__annotations__.get("return")), None))
    ]
    assert giving == []


def test_only_named_functions_give_data_of_people_out_of_an_act():
    giving = {
        name
        for _, name, found in public_functions()
        if any(each is Act for each in found.__annotations__.values())
    }
    assert giving - {"design_facts"} <= GIVES_ROWS


def test_no_module_of_the_research_zone_writes_a_file_of_rows():
    """No CSV, Parquet, pickle, spreadsheet or array is written anywhere in the zone."""
    forbidden = {
        "write_csv", "write_table", "write_dataset", "ParquetWriter", "to_csv", "to_parquet", "to_pickle",
        "dump", "savetxt", "save", "savez", "tofile", "write_feather", "to_excel", "writerow",
    }  # fmt: skip
    found = []
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in forbidden:
                    found.append(f"{path.name}: {name}")
    assert found == []


def test_no_command_of_the_research_zone_prints_as_many_lines_as_there_are_people(linked, monkeypatch):
    home = ["--home", str(linked.study.research.root), "--as", "made-up-researcher"]
    released(linked)
    for path in linked.locked_paths:
        (linked.study.research.inbox / path.name).write_bytes(path.read_bytes())
    people = len({row["person"] for row in linked.spine.to_pylist()})
    commands = [
        ["study", "extract", ID, *home, "--json"],
        ["study", "extract", ID, *home],
        ["study", "ask", ID, "--by", "arm", "--by", "sex", "--by", "age_band", *home, "--json"],
        ["study", "ask", ID, "--by", "role", "--mean", "absence@months-1-24", *home, "--json"],
        ["protocol", "show", str(linked.protocol_file()), "--json"],
        ["protocol", "check", str(linked.protocol_file()), "--json"],
    ]
    pseudonyms = set(linked.spine["person"].to_pylist()) | set(linked.spine["row_key"].to_pylist())
    for command in commands:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            assert exit_code_of(command) == 0, err.getvalue()
        told = out.getvalue() + err.getvalue()
        assert not any(each in told for each in pseudonyms)
        assert not any(marker in told for marker in MARKERS)
        if "--json" in command:
            assert longest_list(json.loads(out.getvalue())) < people / 2


def longest_list(document):
    if isinstance(document, dict):
        return max(map(longest_list, document.values()), default=0)
    if isinstance(document, list):
        return max([len(document), *map(longest_list, document)])
    return 0


def test_an_answer_has_cells_and_no_arrays():
    assert not holds_rows(Answer)


# --- asking ----------------------------------------------------------------------------------------------


def test_questions_are_logged_and_run_out(linked):
    desk = desk_of(linked)
    text = changed("version = 1\n", "version = 2\n") + (
        '\n[[deviations]]\non = 2026-03-01\nwhat = "fewer questions"\nwhy = "asked for"\n'
    )
    text = text.replace("suppress_at_most = 0.4", "suppress_at_most = 0.4\nmax_questions = 3")
    seal_protocol(desk, linked.protocol_file(text, "second.toml"))
    build_extract(desk, ID)
    for number in (1, 2):
        assert ask(desk, ID, Question(by=("arm",))).asked_today == number
    with pytest.raises(UserError, match="no field 'shoe'"):
        ask(desk, ID, Question(by=("shoe",)))  # what cannot be asked counts too: it was looked at
    with pytest.raises(UserError, match="Of this extract 3 questions were asked today"):
        ask(desk, ID, Question(by=("arm",)))
    told = [
        (entry.event.outcome.value, entry.event.details.get("by"))
        for entry in desk.log.entries()
        if entry.event.action == "analyse" and "question" in entry.event.details
    ]
    assert told == [("allowed", "arm"), ("allowed", "arm"), ("allowed", "shoe")]


def test_answers_hide_small_groups_and_give_no_cell_back(linked):
    desk = desk_of(linked)
    with desk.act("analyse", Resource("StudyExtract", ID)) as act:
        study = load_study(act, ID)
    arm = study.treated
    for by in (("arm",), ("arm", "sex"), ("role", "age_band"), ("arm", "role", "sex")):
        answer = ask(desk, ID, Question(by=by))
        shown = 0
        for cell in answer.cells:
            inside = study.treated == study.treated
            for name, label in zip(by, cell.labels, strict=True):
                inside &= (arm == (label == "treated")) if name == "arm" else study.fields[name].is_(label)
            true, families = inside.sum(), len(set(study.family[inside].tolist()))
            if cell.people is not None:
                assert true >= 10
                assert families >= 5
                assert abs(cell.people - true) <= 2
                assert cell.people % 5 == 0
                shown += cell.people
        assert answer.total == shown
        assert answer.hidden == sum(cell.people is None for cell in answer.cells)


def test_a_mean_that_few_people_make_up_is_hidden(linked):
    desk = desk_of(linked)
    with desk.act("analyse", Resource("StudyExtract", ID)) as act:
        study = load_study(act, ID)
    answer = ask(desk, ID, Question(by=("arm",), mean_of="convictions-before"))
    owner = next(each for each in study.owners if each.owner == "justice")
    links = list(zip(owner.unit, owner.probability, owner.values["convictions-before"], strict=True))
    for cell in answer.cells:
        inside = study.treated == (cell.labels[0] == "treated")
        values = [
            sum(p * value for unit, p, value in links if unit == number)
            for number in range(study.units)
            if inside[number]
        ]
        made_by = sum(value > 0 for value in values)
        if cell.mean is None:
            assert made_by < 10
        else:
            assert made_by >= 10
            assert cell.mean == pytest.approx(sum(values) / len(values), rel=5e-3)
