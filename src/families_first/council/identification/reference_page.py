"""A pack's own reference page: every rule in words, as Markdown, from nothing but the pack."""

from datetime import date

from families_first.council.identification.pack import Pack, PackRule
from families_first.council.identification.rule import EventCount, RatioOverTerms, Rule

_WHO = {
    "child": "a dependent child",
    "adult": "an adult of the family",
    "parent": "an adult with parenting responsibility",
    "any": "any member",
}


def reference_page(pack: Pack) -> str:
    """Return the reference page of a pack as Markdown."""
    head = pack.head
    lines = [f"# {head.title}", "", f"Pack `{head.id}`, version {head.version}, {_force(pack)}."]
    if head.indicative:
        lines += ["", "**Indicative.** The wording has not been checked against the published criteria."]
    lines += ["", f"Source: {head.source}."]
    if head.note:
        lines += ["", " ".join(head.note.split())]
    lines += ["", _nomination(pack)]
    for problem, title in head.problems.items():
        lines += [
            "",
            f"## {title}",
            "",
            "| Rule | Who | Asks for | In force | Source |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [_row(entry) for entry in pack.rules if entry.problem == problem]
    return "\n".join(lines) + "\n"


def _nomination(pack: Pack) -> str:
    head = pack.head
    if head.kind == "gateway":
        return f"The check is met with {head.minimum_problems} of the {len(head.problems)} factors below."
    child = " with a dependent child" if head.needs_dependent_child else ""
    said = (
        f"A family{child} is nominated when records show at least {head.minimum_problems} of the "
        f"{len(head.problems)} problems below. A person then decides."
    )
    limit = head.non_resident_parent_problems
    if limit is not None:
        said += f" Parents who live elsewhere may account for {limit} of the problems."
    return said


def _force(pack: Pack) -> str:
    head = pack.head
    return _between(head.in_force_from, head.in_force_to)


def _between(start: date | None, end: date | None) -> str:
    said = [f"from {_said(start)}"] if start else []
    if end:
        said.append(f"to {_said(end)}")
    return "in force " + " ".join(said) if said else "always"


def _said(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _row(entry: PackRule) -> str:
    rule = entry.rule
    title = f"`{rule.id}`: {rule.title}" + (" *(indicative)*" if entry.indicative else "")
    cells = [title, _who(rule), _asks(rule), _between(rule.in_force_from, rule.in_force_to), rule.source]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _who(rule: Rule) -> str:
    ages = ""
    if rule.age_from is not None and rule.age_to is not None:
        ages = f", {rule.age_from} to {rule.age_to}"
    elif rule.age_from is not None:
        ages = f", {rule.age_from} or over"
    elif rule.age_to is not None:
        ages = f", {rule.age_to} or under"
    return _WHO[rule.who] + ages


def _asks(rule: Rule) -> str:
    said = rule.threshold_text
    if isinstance(rule, RatioOverTerms):
        return f"{rule.noun}: {said}"
    if isinstance(rule, EventCount):
        roles = f" as {', '.join(str(role) for role in rule.roles)}" if rule.roles else ""
        return said + roles
    return f"{rule.state}: {said}"
