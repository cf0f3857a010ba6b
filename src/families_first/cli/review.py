"""``families-first review``: what the model leaves to people, and what they decide."""

from datetime import date
from typing import Annotated

from cyclopts import App, Parameter

from families_first.cli.options import (
    HERE,
    AsOption,
    HomeOption,
    JsonOption,
    OnOption,
    day_or_today,
    desk_at,
)
from families_first.cli.output import Sheet, counted, emit

app = App(name="review", help="Decide pairs of records that the model leaves to a person.")

ReasonOption = Annotated[str, Parameter(name="--reason", help="Why, in words a colleague will understand.")]
ScoreOption = Annotated[
    bool,
    Parameter(
        name="--score", negative="", help="Show the model's weight and reason too, which bias a reviewer."
    ),
]


@app.command(name="list")
def list_(
    *,
    decided: Annotated[bool, Parameter(negative="", help="List decisions instead of waiting pairs.")] = False,
    limit: Annotated[int, Parameter(help="How many to show.")] = 20,
    score: ScoreOption = False,
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """List the pairs that wait, in an order that tells nothing of what the model thinks."""
    from families_first.council.review import decisions_taken, pairs_to_review

    day, desk = day_or_today(on), desk_at(home, as_)
    if decided:
        taken = decisions_taken(desk)
        counting = {decision.decision_id for decision in taken.in_force(day)}
        rows = [
            [
                each.decision_id,
                "same" if len(each.groups) == 1 else "different",
                each.by,
                each.decided_on,
                each.reason,
                each.decision_id in counting,
            ]
            for each in taken
        ]
        columns = ["decision", "says", "by", "decided_on", "reason", "in_force"]
        document = {"decisions": [dict(zip(columns, row, strict=True)) for row in rows]}
        emit(
            document,
            json=json,
            show=[Sheet(_headings(columns), rows)] if rows else ["Nothing has been decided yet."],
        )
        return
    waiting = pairs_to_review(desk, on=day)
    columns = ["pair", "person_l", "person_r", *(["weight", "reason"] if score else [])]
    rows = [[getattr(each, column) for column in columns] for each in waiting[:limit]]
    emit(
        {"waiting": len(waiting), "pairs": [dict(zip(columns, row, strict=True)) for row in rows]},
        json=json,
        show=[
            f"{counted(len(waiting), 'pair')} waiting for a decision.",
            *([Sheet(_headings(columns), rows)] if rows else []),
        ],
    )


@app.command
def show(
    pair: str,
    /,
    *,
    score: ScoreOption = False,
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Show the two records of a pair side by side. This prints personal data.

    Parameters
    ----------
    pair
        Its name in `review list`.
    """
    from families_first.council.review import show_pair

    found = show_pair(desk_at(home, as_), pair, on=day_or_today(on))
    rows = [[name.replace("_", " "), left, right] for name, left, right in found.fields if left or right]
    model = {"weight": found.waiting.weight, "reason": found.waiting.reason} if score else {}
    emit(
        {
            "pair": found.waiting.pair,
            "left": {name: left for name, left, _ in found.fields},
            "right": {name: right for name, _, right in found.fields},
            **model,
        },
        json=json,
        show=[
            Sheet(["Field", "One record", "The other"], rows, title=f"Pair {found.waiting.pair}"),
            *([f"The model: {_model_says(found.waiting.reason, found.waiting.weight)}."] if score else []),
        ],
    )


@app.command
def decide(
    pair: str,
    /,
    *,
    same: Annotated[
        bool, Parameter(name="--same", negative="--different", help="One person, or two different people.")
    ],
    reason: ReasonOption,
    until: Annotated[
        date | None, Parameter(help="The last day on which it holds; for good when not given.")
    ] = None,
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Decide a pair; every later matching run honours it. Says what the next one will do.

    Parameters
    ----------
    pair
        Its name in `review list`.
    """
    from families_first.council.foretelling import what_follows
    from families_first.council.review import decide_pair

    day, desk = day_or_today(on), desk_at(home, as_)
    decision = decide_pair(desk, pair, same=same, reason=reason, on=day, until=until)
    follows = what_follows(desk, decision, on=day)
    says = "one person" if same else "different people"
    emit(
        {
            "pair": pair.upper(),
            "decision": decision.decision_id,
            "same": same,
            "by": decision.by,
            "decided_on": day,
            "what_follows": follows,
        },
        json=json,
        show=[f"Kept as {decision.decision_id}: {says}. The next matching run will honour it.", *follows],
    )


@app.command
def changes(*, home: HomeOption = HERE, as_: AsOption = "", json: JsonOption = False) -> None:
    """List the people whom the last matching run joined, parted or changed."""
    from families_first.council.review import changes_of_last_run

    found = changes_of_last_run(desk_at(home, as_))
    columns = ["number", "change", "person_id", "other_person_id", "records", "reason"]
    sheet = Sheet(_headings(columns), [[each[column] for column in columns] for each in found])
    emit(
        {"changes": found},
        json=json,
        show=[sheet] if found else ["The last run changed nobody known before."],
    )


@app.command
def undo(
    number: int,
    /,
    *,
    reason: ReasonOption,
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Decide that a change was wrong: the next matching run puts the people back as they were.

    Parameters
    ----------
    number
        The number of the change in `review changes`.
    """
    from families_first.council.review import undo_change

    decision = undo_change(desk_at(home, as_), number, reason=reason, on=day_or_today(on))
    emit(
        {"number": number, "decision": decision.decision_id, "supersedes": list(decision.supersedes)},
        json=json,
        show=[f"Kept as {decision.decision_id}. The next matching run will put these people back."],
    )


@app.command(name="take-back")
def take_back_(
    decision: str,
    /,
    *,
    reason: ReasonOption,
    home: HomeOption = HERE,
    as_: AsOption = "",
    on: OnOption = None,
    json: JsonOption = False,
) -> None:
    """Take back a decision on a pair: the opposite takes its place.

    Parameters
    ----------
    decision
        Its name in `review list --decided`.
    """
    from families_first.council.review import take_back

    opposite = take_back(desk_at(home, as_), decision, reason=reason, on=day_or_today(on))
    emit(
        {"took_back": decision, "decision": opposite.decision_id},
        json=json,
        show=[f"Kept as {opposite.decision_id} in place of {decision}."],
    )


def _model_says(reason: str, weight: float | None) -> str:
    return reason if weight is None else f"{reason}, weight {weight:.1f}"


def _headings(columns: list[str]) -> list[str]:
    said = {"person_l": "One person", "person_r": "The other", "person_id": "Person", "in_force": "Counts"}
    said["other_person_id"] = "Other person"
    return [said.get(column, column.replace("_", " ").capitalize()) for column in columns]
