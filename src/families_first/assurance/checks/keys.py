"""Keys that no side holds alone, and the erasing of one person from every copy."""

import shutil
from itertools import combinations
from pathlib import Path

from families_first.assurance.bench import Bench, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.errors import ExitCode, UserError
from families_first.governance.audit.verifying import verify_log
from families_first.governance.home import Home
from families_first.governance.keys import fingerprint
from families_first.governance.keys.ceremony import Ceremony, Holder, split_master
from families_first.governance.keys.commitments import Commitments
from families_first.governance.keys.providers import provider_of
from families_first.governance.keys.register import MastersRegister
from families_first.governance.keys.rotation import forget
from families_first.governance.keys.shares import recover, words_of
from families_first.governance.policy import Resource
from families_first.governance.vocabulary import vocabulary
from families_first.governance.zone_file import Zone

_STUDY_ZONES = (Zone.LINKAGE, Zone.RESEARCH)
_INDEPENDENT = ("trusted-linker", "research-body")


@check(
    "council-cannot-open-study-keys",
    tries="open a study's master with the shares of public agencies, or hand them enough",
    unit="attempts to open or be handed",
    limit_seconds=60,
)
def council_cannot_open_study_keys(bench: Bench) -> Findings:
    """Real masters, really split; every set of the agencies' shares; every ceremony that would hand out too
    many."""
    tally, homes = Tally(), bench.made_up_homes()
    agencies = [each.id for each in vocabulary().organisations.values() if each.public_agency]
    for home in (homes.linkage, homes.research):
        room = bench.room()
        holders = _holders(room, "council", *_INDEPENDENT)
        class_id = home.retention_classes[0].id
        master = split_master(Ceremony(home, holders), class_id, provider_of(home))
        words = [
            (each.file.name, words_of(each.file.read_text("utf-8"), where=each.file.name)) for each in holders
        ]
        theirs = [
            pair for pair, holder in zip(words, holders, strict=True) if holder.organisation in agencies
        ]
        for size in range(1, len(theirs) + 1):
            for some in combinations(theirs, size):
                tally.refused(
                    f"opened the {home.zone} master with {size} shares of public agencies",
                    lambda some=some: recover(some),  # type: ignore[misc]
                    ExitCode.VAULT,
                )
        [opened] = recover(words[1:])  # the linker and the research body together must be able to
        tally.holds(fingerprint(opened) == master.fingerprint, "the shares open another master")
        for number, pair in enumerate(combinations(agencies, 2)):
            other = bench.folder / f"{room.name}-{number}"
            tally.refused(
                f"{' and '.join(pair)} were handed enough shares of the {home.zone} master",
                lambda home=home, pair=pair, other=other: Ceremony(
                    home, _holders(other, *pair, "research-body")
                ),  # type: ignore[misc]
                ExitCode.REFUSED,
            )
    for home in bench.examined():
        if home.zone in _STUDY_ZONES:
            _look_at_shares(tally, home, agencies)
    return tally.findings(
        "A linkage and a research master were split among a council, a linker and a research body; every "
        "set of the public agencies' shares was tried on them, every pair of agencies asked for two "
        "shares, and the registers of the homes were counted."
    )


def _holders(folder: Path, *kinds: str) -> tuple[Holder, ...]:
    return tuple(
        Holder(f"made-up {kind} {n}", kind, folder / f"share-{n}.txt") for n, kind in enumerate(kinds)
    )


def _look_at_shares(tally: Tally, home: Home, agencies: list[str]) -> None:
    for master in MastersRegister(home.keys).masters():
        held = sum(share.organisation in agencies for share in master.shares)
        if master.state == "in use" and master.shares:
            tally.holds(
                held < master.threshold,
                f"public agencies hold {held} shares of a {home.zone} master that {master.threshold} open",
            )
        elif master.state == "in use":
            tally.notes.append(f"A master of the {home.zone} home is not split among custodians.")


@check(
    "one-person-can-be-erased",
    tries="find somebody in the log whose own key was destroyed, also with a vault from before",
    unit="attempts to find",
)
def one_person_can_be_erased(bench: Bench) -> Findings:
    """Two people in the log and the keys; one is erased; then the log, the keys and a copy from before are
    asked."""
    tally, home = Tally(), bench.made_up_homes().council
    desk = desk_as(home, "data-lead")
    erased, other = "f-to-be-erased", "f-that-stays"
    with desk.act("view-family", Resource("CaseRecord", erased), subjects=[erased, other]):
        pass
    before, kept = Commitments(home).of([erased, other])
    old = bench.room() / "vault"
    shutil.copytree(home.vault, old)
    done = forget(home, [erased])
    tally.holds(sum(each.erased for each in done) == 1, "the person's key is still there")
    [again] = Commitments(home).of([other])
    tally.holds(again == kept, "somebody else can no longer be found")
    [anew] = Commitments(home).of([erased])
    tally.holds(anew != before, "the entries about the person can still be found by their id")
    in_log = sum(before in entry.event.subjects for entry in desk.log.entries())
    if not in_log:
        tally.doubts.append("The log held no entry about the person in the first place.")
    verification = verify_log(home, desk.log)
    tally.holds(verification.is_sound, "the log no longer verifies")
    shutil.rmtree(home.vault)
    shutil.copytree(old, home.vault)
    tally.holds(_finds_nothing(home, erased, before), "a copy from before still opens the person's key")
    return tally.findings(
        "The key of one of two people was destroyed; then the log was searched with the person's "
        "id, the other's was looked for, the log verified, and a copy of the vault from before was put back "
        "and opened."
    )


def _finds_nothing(home: Home, subject: str, commitment: str) -> bool:
    try:
        return Commitments(home).of([subject]) != (commitment,)
    except UserError as refusal:
        return refusal.code is ExitCode.VAULT
