"""``families-first policy``: who may do what, why, and the paperwork that follows from it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from families_first.cli.options import HERE, HomeOption, JsonOption, OnOption, day_or_today
from families_first.cli.output import Sheet, emit
from families_first.errors import ExitCode, UserError

if TYPE_CHECKING:
    from families_first.governance.policy.request import Attribute

app = App(name="policy", help="Show who may do what, and explain a decision.")

for _name, _help in (
    ("break-glass", "In an emergency, open one family that was not given to you."),
    ("emergencies", "Read who broke the glass, for which family, why and until when."),
):
    app.command(f"families_first.cli.emergencies:{_name.replace('-', '_')}", name=_name, help=_help)

OptionalFlag = Annotated[bool, Parameter(negative="")]


@app.command
def table(
    *,
    role: Annotated[str, Parameter(help="Only this role.")] = "",
    mutants: Annotated[
        bool,
        Parameter(negative="", help="Break every policy in turn and show what notices; takes half a minute."),
    ] = False,
    hostile: Annotated[
        bool,
        Parameter(negative="", help="Add a policy that permits everything and count what gets through."),
    ] = False,
    json: JsonOption = False,
) -> int:
    """Show who may do what, found by asking the policies every request that could be made."""
    from families_first.governance.policy import policy_hash
    from families_first.governance.policy.table import forbidden_whoever_permits, who_may_do_what
    from families_first.governance.policy.table_page import cells

    if mutants:
        from families_first.cli.policy_proof import call_the_roll

        return call_the_roll(json=json)
    if hostile:
        from families_first.cli.policy_proof import ask_beside_a_hostile_policy

        return ask_beside_a_hostile_policy(json=json)
    if role:
        _check_known("role", role)
    rows = [row for row in who_may_do_what() if role in ("", row.role)]
    rules = forbidden_whoever_permits()
    columns = ["Role", "May", "In the zones", "For the purpose", "If"]
    show: list[str | Sheet] = [Sheet(columns, [[row.role, *cells(row)] for row in rows])]
    if not role:
        show += [
            "",
            Sheet(["Forbidden, whoever permits it", "The notice says"], [[r.says, r.promise] for r in rules]),
        ]
    emit({"policy_hash": policy_hash(), "allowed": rows, "forbidden": rules}, json=json, show=show)
    return ExitCode.OK


@app.command
def explain(
    *,
    role: Annotated[list[str], Parameter(help="The person's role; once for each.")],
    action: Annotated[str, Parameter(help="What they would do.")],
    purpose: Annotated[
        str, Parameter(help="What for; what the action is usually done for when not given.")
    ] = "",
    zone: Annotated[str, Parameter(help="The zone of the home; the action's first when not given.")] = "",
    organisation: Annotated[
        str, Parameter(help="The kind of organisation the person works for; the zone's own when not given.")
    ] = "",
    second_factor: OptionalFlag = False,
    own_family: OptionalFlag = False,
    agreement: OptionalFlag = False,
    broken_glass: OptionalFlag = False,
    after_the_day: OptionalFlag = False,
    contents: Annotated[str, Parameter(help="Of a parcel: what it holds.")] = "records",
    from_zone: Annotated[str, Parameter(help="Of a parcel: the sender's zone.")] = "council",
    to_zone: Annotated[str, Parameter(help="Of a parcel: the recipient's zone.")] = "council",
    to_agency: Annotated[
        bool, Parameter(negative="", help="Of a parcel: it goes to a public agency.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Say whether a request would be allowed, by which policy, for which promise, and what would change it.

    Nothing is asked of a home, and nothing is logged.

    Parameters
    ----------
    second_factor
        The person signed in with a second factor.
    own_family
        The family is of the person's caseload.
    agreement
        An agreement in force covers it.
    broken_glass
        The person has broken the glass for the family.
    after_the_day
        The day of destruction has come.
    """
    from families_first.governance.policy.alternatives import what_would_change
    from families_first.governance.policy.enumeration import OTHER_FAMILY, OWN_FAMILY
    from families_first.governance.policy.explaining import explain as in_plain_words
    from families_first.governance.policy.promises import Request
    from families_first.governance.policy.request import Context, Principal, Resource
    from families_first.governance.policy.schema import ATTRIBUTES
    from families_first.governance.policy.table import ask, who_may_do_what
    from families_first.governance.vocabulary import vocabulary
    from families_first.governance.zone_file import ORGANISATION_KINDS, Zone

    _check_known("action", action)
    for each in role:
        _check_known("role", each)
    words = vocabulary()
    term = words.actions[action]
    usual = [row for row in who_may_do_what() if row.action == action]
    place = zone or next(each.value for each in Zone if each.value in term.zones)
    if place not in set(Zone):
        raise _unknown("zone", list(Zone))
    # A data owner may be of any kind; as most are public agencies, a council stands for it.
    employer = organisation or ORGANISATION_KINDS.get(Zone(place), "council")
    aim = purpose or usual[0].purposes[0]
    _check_known("organisation", employer)
    _check_known("purpose", aim)
    _check_known("content", contents)
    parcel: dict[str, Attribute] = {
        "contents": contents,
        "sender_zone": from_zone,
        "recipient_zone": to_zone,
        "recipient_public_agency": to_agency,
    }
    thing = OWN_FAMILY if own_family else OTHER_FAMILY if term.resource == "CaseRecord" else "thing"
    asked = Request(
        Principal("somebody", frozenset(role), employer, place, second_factor, frozenset({OWN_FAMILY})),
        action,
        Resource(term.resource, thing, parcel if term.resource in ATTRIBUTES else {}),
        Context(aim, agreement, after_the_day, broken_glass),
    )
    decision = ask(asked)
    changes = () if decision.allowed else what_would_change(asked)
    otherwise = (
        f"It would be allowed {'; or '.join(changes)}." if changes else "No single change would allow it."
    )
    emit(
        {"decision": decision, "would_be_allowed": changes},
        json=json,
        show=[
            f"{in_plain_words(decision, action, asked.resource)}.",
            *([] if decision.allowed else [otherwise]),
        ],
    )


@app.command
def paperwork(
    *,
    out: Annotated[Path, Parameter(help="The folder to write into.")],
    on: OnOption = None,
    home: HomeOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the record of processing, the annex to the impact assessment, and the notice's tables.

    They are made from the vocabulary, the policies, and the home's agreements and mappings; no record is
    read. The annex and the notice's tables tell of the agreements in force on the day alone.
    """
    from families_first.council.deliveries import load_mappings
    from families_first.council.deliveries.carried import carried_by
    from families_first.governance.agreements import load_agreements
    from families_first.governance.home import Home
    from families_first.governance.paperwork import write_paperwork

    place = Home.open(home)
    agreements = list(load_agreements(place.agreements).values())
    mappings = {name: each.content for name, each in load_mappings(place.mappings).items()}
    given = carried_by(agreements, mappings)
    names = write_paperwork(place, agreements, given, out, on=day_or_today(on))
    emit({"written": names}, json=json, show=[f"Written: {', '.join(names)}."])


def _check_known(what: str, term: str) -> None:
    from families_first.governance.vocabulary import vocabulary

    words = vocabulary()
    sections = {
        "role": words.roles,
        "action": words.actions,
        "organisation": words.organisations,
        "purpose": words.purposes,
        "content": words.contents,
    }
    if term not in sections[what]:
        raise _unknown(what, list(sections[what]))


def _unknown(what: str, known: list[str]) -> UserError:
    return UserError(
        f"The vocabulary has no such {what}", fix=f"Use one of: {', '.join(known)}.", code=ExitCode.USAGE
    )
