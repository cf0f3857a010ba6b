"""Each check says that its promise holds on sound code, and is broken once what holds it is weakened."""

import hashlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from families_first.assurance.bench import Bench, desk_as
from families_first.assurance.checks import CHECKS, at_rest, code, keys, retention
from families_first.assurance.every_permit import EveryPermit
from families_first.assurance.running import run_check
from families_first.assurance.small_study import INBOX
from families_first.assurance.verdicts import Verdict
from families_first.council.deliveries import landing
from families_first.errors import UserError
from families_first.governance import desk
from families_first.governance.agreements import Agreement
from families_first.governance.audit import verifying
from families_first.governance.audit.checkpointing import checkpoint
from families_first.governance.audit.event import Event, Outcome
from families_first.governance.audit.log import AuditLog
from families_first.governance.home import Home
from families_first.governance.identity import partners_of, receiver_of
from families_first.governance.keys import ceremony
from families_first.governance.parcels import agreed, opening, sealing
from families_first.governance.parcels.releases import protocol_sha256
from families_first.governance.policy import break_glass, enumeration, filters
from families_first.governance.policy.engine import PolicySet, shipped_text
from families_first.governance.retention import recording
from families_first.governance.retention.dates import Schedule
from families_first.governance.retention.register import Register
from families_first.governance.staff import StaffMember, write_staff
from families_first.governance.study import RegisteredProtocol, splitting
from families_first.governance.study.protocols import sealing_of
from families_first.governance.study.release_register import ReleasedRegister
from families_first.governance.vault import Vault, duck
from families_first.governance.zone_file import AuditSection, WitnessSection
from families_first.linkage import destroying
from families_first.linkage.pseudonyms import ProjectKey
from families_first.research.analysis import keeping
from families_first.research.extract import anonymity, person_table
from families_first.research.extract import opening as research_opening
from families_first.research.extract.linked_study import LinkedStudy
from families_first.research.protocol import sealing as protocol_sealing

Patch = pytest.MonkeyPatch
Weaken = Callable[[Bench, Patch], None]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench((), tmp_path)


def policies(*, without: tuple[str, ...], further: str = "") -> PolicySet:
    """Return the shipped policies without some, and with further ones."""
    text = shipped_text()
    for policy in without:
        text, count = re.subn(rf'@id\("{policy}"\).*?;\n', "", text, count=1, flags=re.DOTALL)
        assert count == 1, f"there is no policy {policy}"
    return PolicySet.parse(f"{text}\n{further}")


def dropped(*names: str) -> Weaken:
    """Take policies away, beside the hostile one that permits everything."""

    def weaken(bench: Bench, patch: Patch) -> None:
        weakened = policies(without=names, further=enumeration.HOSTILE)
        patch.setattr(enumeration, "hostile_policies", lambda: weakened)

    return weaken


def decided_by(*, without: tuple[str, ...], further: str = "") -> Weaken:
    """Let every desk decide by weakened policies."""

    def weaken(bench: Bench, patch: Patch) -> None:
        patch.setattr(desk, "decide", policies(without=without, further=further).decide)

    return weaken


def every_row_is_listed(bench: Bench, patch: Patch) -> None:
    patch.setattr(filters, "rows_allowed", lambda *asked: filters.Where("TRUE"))


def emergencies_last_for_days(bench: Bench, patch: Patch) -> None:
    patch.setattr(break_glass, "MOST_HOURS", 72)


def somebody_is_linker_and_researcher(bench: Bench, patch: Patch) -> None:
    homes = bench.made_up_homes()
    write_staff(
        homes.linkage,
        StaffMember(id="both", name="Made-up person", roles=("linker", "researcher"), second_factor=True),
    )
    bench.homes = homes.each()


def the_council_imports_research(bench: Bench, patch: Patch) -> None:
    copy = bench.room() / code.PACKAGE
    shutil.copytree(code.package_folder(), copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "research" / "extract.py").write_text('"""Made up."""\n')
    resources = copy / "governance" / "faults.py"
    resources.write_text(
        f"{resources.read_text()}\n\ndef late():\n    from families_first.research import extract\n"
    )
    patch.setattr(code, "package_folder", lambda: copy)


def a_library_calls_home(bench: Bench, patch: Patch) -> None:
    folder = bench.room()
    (folder / "sitecustomize.py").write_text(
        "import socket, threading\n"
        "def call():\n"
        "    try:\n"
        "        socket.create_connection(('127.0.0.1', 9), timeout=1)\n"
        "    except OSError:\n"
        "        pass\n"
        "for seconds in (0.5, 1, 1.5, 2):\n"
        "    timer = threading.Timer(seconds, call)\n"
        "    timer.daemon = True\n"
        "    timer.start()\n"
    )
    patch.setenv("PYTHONPATH", str(folder))


def agreements_are_not_asked(bench: Bench, patch: Patch) -> None:
    patch.setattr(landing, "check_read", lambda *asked, **named: None)
    patch.setattr(Agreement, "in_force", lambda self, on: True)


def columns_are_not_compared(bench: Bench, patch: Patch) -> None:
    patch.setattr(landing, "check_read", lambda *asked, **named: None)


def something_landed_too_early(bench: Bench, patch: Patch) -> None:
    home = bench.made_up_homes().council
    lead = desk_as(home, "data-lead")
    lead.log.append(
        Event(
            action="land-delivery",
            resource_kind="Delivery",
            resource_id="dwp-benefits",
            purpose="identify-and-support",
            outcome=Outcome.ALLOWED,
            actor="made-up",
            account="made-up",
            details={"agreement": "dwp-2026", "as_of": "2019-01-01"},
        )
    )
    bench.homes = (home,)


def landing_leaves_a_copy(bench: Bench, patch: Patch) -> None:
    sound = at_rest.land_inbox

    def leaving(desk: Any, **named: Any) -> Any:
        [path] = desk.home.inbox.glob("*.csv")
        shutil.copyfile(path, desk.home.vault / "left-over.tmp")
        return sound(desk, **named)

    patch.setattr(at_rest, "land_inbox", leaving)


def the_engine_is_open(bench: Bench, patch: Patch) -> None:
    def connection(tables: Any, **named: Any) -> duckdb.DuckDBPyConnection:
        con = duckdb.connect(config={**duck._CLOSED, "memory_limit": "48MB", "threads": 1})
        con.execute(f"SET custom_extension_repository = '{bench.folder}'")  # nothing is fetched from afar
        for name, table in tables.items():
            con.register(name, table)
        con.execute("SET lock_configuration = true")
        return con

    patch.setattr(at_rest, "locked_connection", connection)


def a_key_lies_in_the_outbox(bench: Bench, patch: Patch) -> None:
    home = bench.made_up_homes().council
    shutil.copyfile(next(home.keys.glob("*.key")), home.outbox / "notes.txt")
    bench.homes = (home,)


def agencies_may_hold_any_share(bench: Bench, patch: Patch) -> None:
    patch.setattr(ceremony, "WITHHELD_FROM_AGENCIES", frozenset())


def nobody_is_forgotten(bench: Bench, patch: Patch) -> None:
    patch.setattr(keys, "forget", lambda home, subjects: [])


def agreements_never_end(bench: Bench, patch: Patch) -> None:
    patch.setattr(agreed, "_reasons", lambda *asked: [])


def signatures_are_not_checked(bench: Bench, patch: Patch) -> None:
    patch.setattr(
        opening, "check_sender", lambda home, parcel: partners_of(home)[parcel.manifest.sender.name]
    )


def checkpoints_are_not_compared(bench: Bench, patch: Patch) -> None:
    patch.setattr(verifying, "compare", lambda checkpoints, roots, size: [])


def a_log_that_fails_is_passed_over(bench: Bench, patch: Patch) -> None:
    sound = AuditLog.append

    def careless(self: AuditLog, event: Event) -> int:
        try:
            return sound(self, event)
        except UserError:
            return 0

    patch.setattr(AuditLog, "append", careless)
    patch.setattr(AuditLog, "last_time", lambda self: None)


def nobody_witnesses(bench: Bench, patch: Patch) -> None:
    home = Home.create(bench.room() / "home", zone="council", title="Exampleshire Council")
    write_staff(home, StaffMember(id="made-up", name="Made-up person", roles=("data-lead",)))
    with desk_as(home, "data-lead").act("view-family", desk.Resource("CaseRecord", "f-1")):
        pass
    bench.homes = (home,)


def one_file_in_the_home_is_named_twice(bench: Bench) -> Home:
    return worked_in(bench, *(WitnessSection(name=name, file="audit/w.notes") for name in ("one", "two")))


def one_file_outside_is_named_twice(bench: Bench) -> Home:
    return worked_in(bench, *(WitnessSection(name=name, file="../w.notes") for name in ("one", "two")))


def commands_do_nothing(bench: Bench) -> Home:
    return worked_in(bench, *(WitnessSection(name=name, command=("true", name)) for name in ("one", "two")))


def worked_in(bench: Bench, *witnesses: WitnessSection) -> Home:
    """Return a home that was worked in and of which a checkpoint was made."""
    home = Home.create(
        bench.room() / "home", zone="council", title="Exampleshire", audit=AuditSection(witnesses=witnesses)
    )
    write_staff(home, StaffMember(id="made-up", name="Made-up person", roles=("data-lead",)))
    at_work = desk_as(home, "data-lead")
    for number in range(6):
        with at_work.act("view-family", desk.Resource("CaseRecord", f"f-{number}")):
            pass
    assert not checkpoint(home, at_work.log).is_witnessed
    return home


def the_day_is_not_looked_at(bench: Bench, patch: Patch) -> None:
    sound = desk.schedule_of

    def without_days(home: Home, register: Register | None = None) -> Schedule:
        return replace(sound(home, register), days={}, receipt_years={}, begun=frozenset())

    patch.setattr(desk, "schedule_of", without_days)


def the_key_is_copied_back(bench: Bench, patch: Patch) -> None:
    sound = retention.destroy

    def undone(desk: Any, class_id: str) -> Any:
        key = desk.home.keys / f"{class_id}.key"
        kept = key.read_bytes() if key.exists() else b""
        done = sound(desk, class_id)
        if kept:
            key.write_bytes(kept)
            key.chmod(0o600)
        return done

    patch.setattr(retention, "destroy", undone)


def one_signature_is_enough(bench: Bench, patch: Patch) -> None:
    patch.setattr(recording, "check_signed_by", lambda *asked, **named: None)


# --- a study ---------------------------------------------------------------------------------------------


def an_edited_protocol_passes_for_the_sealed_one(bench: Bench, patch: Patch) -> None:
    patch.setattr(opening, "check_protocol", lambda home, release: None)


def outcomes_are_not_locked(bench: Bench, patch: Patch) -> None:
    sound = splitting.ColumnGroup
    patch.setattr(splitting, "ColumnGroup", lambda name, columns, to, by: sound(name, columns, to))


def outcomes_are_released_to_whoever_asks(bench: Bench, patch: Patch) -> None:
    patch.setattr(ReleasedRegister, "check", lambda self, serials, protocol, sha256: None)


def open_outcomes_serve_any_protocol(bench: Bench, patch: Patch) -> None:
    patch.setattr(LinkedStudy, "check_released", lambda self, features, protocols: None)


def pseudonyms_are_hashes_of_numbers(bench: Bench, patch: Patch) -> None:
    def made(self: ProjectKey, of: str, count: int) -> pa.Array:
        return pa.array(
            [hashlib.sha256(f"{of}{number}".encode()).hexdigest()[:32] for number in range(count)]
        )

    patch.setattr(ProjectKey, "pseudonyms", made)


def the_key_of_pseudonyms_is_kept(bench: Bench, patch: Patch) -> None:
    sound = ProjectKey.__enter__

    def keeping(self: ProjectKey) -> ProjectKey:
        found = sound(self)
        for place in bench.folder.glob("*/linkage/keys"):
            (place / f"{self._project.decode()}.bin").write_bytes(b"x" + bytes(found._key or b""))
        return found

    patch.setattr(ProjectKey, "__enter__", keeping)


def destroyed_identifiers_stay(bench: Bench, patch: Patch) -> None:
    patch.setattr(destroying, "forget", lambda home, datasets: None)


def masters_outlive_the_destruction(bench: Bench, patch: Patch) -> None:
    """Do not rotate: what is deleted is deleted, and a copy from before opens."""

    def carried_out(home: Home, plan: Any, keys: Any, *, on: Any) -> list[str]:
        destroying.forget(home, plan.datasets)
        return []

    patch.setattr(destroying, "_carry_out", carried_out)


def half_of_those_only_assessed_are_left_out(bench: Bench, patch: Patch) -> None:
    sound = splitting.objectors_of

    def more(act: Any) -> pa.Array:
        path = act.home.inbox / INBOX / "programme.parquet"
        if not path.is_file():
            return sound(act)
        rows = pq.read_table(path).to_pylist()
        others = [row["reference"] for row in rows if row["status"] == "assessed-only"][::2]
        return pa.array([*sound(act).to_pylist(), *others], pa.string())

    patch.setattr(splitting, "objectors_of", more)


def rows_of_strangers_are_kept(bench: Bench, patch: Patch) -> None:
    """Give every row whose key is in no spine the key of somebody who is."""
    sound = research_opening.take_payload

    class Lying:
        def __init__(self, parcel: Any, keys: list[str]) -> None:
            self._parcel, self._keys = parcel, keys

        def __getattr__(self, name: str) -> Any:
            return getattr(self._parcel, name)

        def batches(self) -> Iterator[pa.RecordBatch]:
            for batch in self._parcel.batches():
                known = set(self._keys)
                rows = [
                    {**row, "row_key": row["row_key"] if row["row_key"] in known else self._keys[0]}
                    for row in batch.to_pylist()
                ]
                yield pa.RecordBatch.from_pylist(rows, schema=batch.schema)

    def take(parcel: Any, spine: Any, terms: Any, section: str) -> Any:
        keys = Vault(parcel.act).read(spine, "keys").to_pylist()
        mine = [row["row_key"] for row in keys if row["owner"] == terms.study.owner]
        return sound(parcel if section == "programme" else Lying(parcel, mine), spine, terms, section)

    patch.setattr(research_opening, "take_payload", take)


def objections_are_forgotten(bench: Bench, patch: Patch) -> None:
    patch.setattr(splitting, "objectors_of", lambda act: pa.array([], pa.string()))


def nobody_is_made_coarser(bench: Bench, patch: Patch) -> None:
    def as_they_are(fields: Any, ladders: Any, sensitive: Any, family: Any, *, k: int, **more: Any) -> Any:
        found = anonymity.measure(fields.values(), sensitive, family, k=k)
        return anonymity.Anonymised(dict(fields), found, found, {}, 0)

    patch.setattr(person_table, "anonymise", as_they_are)


def the_day_of_time_zero_is_kept(bench: Bench, patch: Patch) -> None:
    patch.setattr(person_table, "_KEPT", (*person_table._KEPT, "zero"))


def a_changed_protocol_passes(bench: Bench, patch: Patch) -> None:
    sound = protocol_sealing.registered_protocol

    def careless(home: Home, log: AuditLog, protocol_id: str) -> Any:
        now = protocol_sha256(home, protocol_id)
        if not now or sealing_of(log, protocol_id) is None:
            return sound(home, log, protocol_id)
        return RegisteredProtocol(protocol_id, now, 0)

    patch.setattr(protocol_sealing, "registered_protocol", careless)


def results_name_another_protocol(bench: Bench, patch: Patch) -> None:
    sound = keeping.table_of_objects

    def renamed(objects: Any) -> pa.Table:
        table = sound(objects)
        place = table.schema.names.index("protocol_sha256")
        return table.set_column(place, table.schema.field(place), pa.array(["0" * 64] * table.num_rows))

    patch.setattr(keeping, "table_of_objects", renamed)


def parcels_are_sealed_to_the_council_too(bench: Bench, patch: Patch) -> None:
    sound = sealing.sealed_key

    def wider(key: bytes, serial: str, group: str, recipients: Any) -> str:
        councils = [receiver_of(Home.open(root)) for root in bench.folder.glob("*/council")]
        return sound(key, serial, group, [*recipients, *(str(each.to_public()) for each in councils)])

    patch.setattr(sealing, "sealed_key", wider)


def the_council_has_opened_the_spine(bench: Bench, patch: Patch) -> None:
    homes = bench.made_up_homes()
    vault = Vault(replace(EveryPermit(homes.council), writes=EveryPermit(homes.council).reads))
    vault.commit(
        "spine",
        "made-up",
        {"spine": pa.table({"person": ["made-up"]})},
        retention_class=homes.council.retention_classes[0].id,
        about={},
    )
    bench.homes = homes.each()


MUTANTS: dict[str, Weaken] = {
    "linked-data-never-to-agencies": dropped("linked-data-is-never-an-agencys"),
    "study-data-for-research-alone": dropped("study-data-is-for-research-alone"),
    "deciders-see-no-linked-data": dropped("who-decides-about-families-sees-no-linked-data"),
    "identifiers-apart-from-payload": dropped("identifiers-are-the-linkers-alone"),
    "outputs-released-by-checkers-alone": dropped("outputs-are-checked-by-output-checkers"),
    "records-for-support-alone": dropped("records-are-used-to-support-families-alone"),
    "administrators-have-no-permit": dropped("a-system-administrator-does-nothing-with-records"),
    "other-families-stay-closed": decided_by(
        without=("a-family-is-seen-by-those-who-work-with-it",),
        further='@id("careless") permit (principal in Role::"keyworker", action, resource is CaseRecord);',
    ),
    "lists-hold-what-rows-allow": every_row_is_listed,
    "emergencies-are-told": emergencies_last_for_days,
    "no-incompatible-roles": somebody_is_linker_and_researcher,
    "zones-never-import-one-another": the_council_imports_research,
    "no-network": a_library_calls_home,
    "no-landing-without-agreement": agreements_are_not_asked,
    "no-column-beyond-the-agreement": columns_are_not_compared,
    "agreements-in-force": something_landed_too_early,
    "no-plain-text-at-rest": landing_leaves_a_copy,
    "engine-is-shut": the_engine_is_open,
    "keys-are-private": a_key_lies_in_the_outbox,
    "council-cannot-open-study-keys": agencies_may_hold_any_share,
    "one-person-can-be-erased": nobody_is_forgotten,
    "forbidden-parcel-routes": decided_by(
        without=(
            "parcels-never-go-back",
            "the-spine-goes-from-linkage-to-research-alone",
            "study-parcels-are-never-opened-by-an-agency",
        )
    ),
    "parcels-open-for-whom-they-are": agreements_never_end,
    "partners-are-who-they-say": signatures_are_not_checked,
    "log-cannot-change-unseen": checkpoints_are_not_compared,
    "nothing-without-the-log": a_log_that_fails_is_passed_over,
    "witnesses-hold-the-log": nobody_witnesses,
    "closed-on-the-day": the_day_is_not_looked_at,
    "destruction-is-final": the_key_is_copied_back,
    "the-end-is-signed": one_signature_is_enough,
    "protocol-sealed-before-outcomes": an_edited_protocol_passes_for_the_sealed_one,
    "pseudonyms-of-the-project-alone": pseudonyms_are_hashes_of_numbers,
    "study-covers-both-groups-alone": half_of_those_only_assessed_are_left_out,
    "objection-is-honoured-at-the-source": objections_are_forgotten,
    "extract-is-coarse-enough": nobody_is_made_coarser,
    "analysis-follows-its-protocol": a_changed_protocol_passes,
    "linked-rows-out-of-reach": decided_by(without=("linked-data-is-never-an-agencys",)),
}
"""How each check's mechanism is weakened; a check without a mutant is refused below."""

FURTHER: list[tuple[str, Weaken]] = [
    ("forbidden-parcel-routes", decided_by(without=("a-data-owner-receives-nothing",))),
    ("forbidden-parcel-routes", decided_by(without=("records-never-go-into-a-study",))),
    ("identifiers-apart-from-payload", dropped("a-study-is-split-by-the-data-lead-alone")),
    ("identifiers-apart-from-payload", dropped("a-release-goes-from-publication-to-research-alone")),
    ("linked-data-never-to-agencies", dropped("a-data-owner-receives-nothing")),
    ("linked-data-never-to-agencies", dropped("parcels-never-go-back")),
    ("study-data-for-research-alone", dropped("outcomes-are-released-by-output-checkers")),
    ("study-data-for-research-alone", dropped("the-protocol-goes-from-research-to-publication-alone")),
    ("protocol-sealed-before-outcomes", outcomes_are_not_locked),
    ("protocol-sealed-before-outcomes", outcomes_are_released_to_whoever_asks),
    ("protocol-sealed-before-outcomes", open_outcomes_serve_any_protocol),
    ("pseudonyms-of-the-project-alone", the_key_of_pseudonyms_is_kept),
    ("pseudonyms-of-the-project-alone", destroyed_identifiers_stay),
    ("pseudonyms-of-the-project-alone", masters_outlive_the_destruction),
    ("study-covers-both-groups-alone", rows_of_strangers_are_kept),
    ("extract-is-coarse-enough", the_day_of_time_zero_is_kept),
    ("analysis-follows-its-protocol", results_name_another_protocol),
    ("linked-rows-out-of-reach", parcels_are_sealed_to_the_council_too),
    ("linked-rows-out-of-reach", the_council_has_opened_the_spine),
]
"""Further ways to weaken what holds a promise, by the check that must see it."""

_LONG = {
    "linked-data-never-to-agencies",
    "study-data-for-research-alone",
    "identifiers-apart-from-payload",
    "outputs-released-by-checkers-alone",
    "no-network",
    "other-families-stay-closed",
    "lists-hold-what-rows-allow",
    "no-column-beyond-the-agreement",
    *(name for name, each in CHECKS.items() if each.attacks),
    "study-covers-both-groups-alone",
    "objection-is-honoured-at-the-source",
    "extract-is-coarse-enough",
}

each_check = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in _LONG else ()) for name in CHECKS]
)


def test_every_check_has_a_mutant_that_it_must_find() -> None:
    assert set(MUTANTS) == set(CHECKS)


@each_check
def test_a_check_says_that_a_sound_promise_holds(name: str, bench: Bench) -> None:
    proof = run_check(CHECKS[name], bench)
    assert (proof.verdict, proof.breaches) == (Verdict.HOLDS, ()), proof.notes
    assert proof.attempts > 0


@each_check
def test_a_check_says_that_a_weakened_promise_is_broken(
    name: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    MUTANTS[name](bench, monkeypatch)
    proof = run_check(CHECKS[name], bench)
    assert proof.verdict is Verdict.BROKEN, proof.notes
    assert proof.breaches


@pytest.mark.parametrize(
    ("name", "weaken"),
    [pytest.param(*each, marks=pytest.mark.slow if each[0] in _LONG else ()) for each in FURTHER],
)
def test_a_check_sees_each_rule_of_the_study_that_is_gone(
    name: str, weaken: Weaken, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    weaken(bench, monkeypatch)
    proof = run_check(CHECKS[name], bench)
    assert proof.verdict is Verdict.BROKEN, proof.notes
    assert proof.breaches


@pytest.mark.parametrize(
    "sham",
    [one_file_in_the_home_is_named_twice, one_file_outside_is_named_twice, commands_do_nothing],
)
def test_witnesses_that_do_not_exist_are_none(sham: Callable[[Bench], Home], bench: Bench) -> None:
    bench.homes = (sham(bench),)
    assert run_check(CHECKS["witnesses-hold-the-log"], bench).verdict is Verdict.BROKEN


@pytest.mark.parametrize("answering", [True, False])
def test_a_witness_that_is_a_command_counts_while_it_answers_with_what_it_holds(
    bench: Bench, answering: bool
) -> None:
    home = worked_in(bench)
    receive = "import sys; from families_first.cli.main import exit_code_of; exit_code_of(sys.argv[1:])"

    def witnessed_by(program: str) -> Home:
        commands = {
            name: (sys.executable, "-c", program, "audit", "receive", str(bench.folder / f"{name}.notes"))
            for name in ("one", "two")
        }
        witnesses = tuple(
            WitnessSection(name=name, command=(*command, "--of", str(home.root / "identity.toml")))
            for name, command in commands.items()
        )
        settings = home.settings.model_copy(update={"audit": AuditSection(witnesses=witnesses)})
        return replace(home, settings=settings)

    assert checkpoint(witnessed_by(receive), AuditLog.open(home)).is_witnessed
    bench.homes = (witnessed_by(receive if answering else "pass"),)
    proof = run_check(CHECKS["witnesses-hold-the-log"], bench)
    assert proof.verdict is (Verdict.HOLDS if answering else Verdict.BROKEN), proof.breaches
