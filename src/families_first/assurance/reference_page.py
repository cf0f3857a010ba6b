"""The reference page of the promises, written from the register and the checks."""

from families_first.assurance.checks import CHECKS
from families_first.governance.promises import Promise, promise_register

NOTE = "<!-- Written from the code by `make docs`; change the code, not this page. -->"


def promises_page() -> str:
    """Return ``docs/reference/promises.md``: each promise, what holds it, and what tries to break it."""
    register = promise_register()
    lines = [
        "# Promises",
        "",
        NOTE,
        "",
        f"The public notice is {register.notice.publisher}'s “{register.notice.title}”. Each sentence of it "
        "that promises",
        "something stands here word for word, with what holds it and the checks that try to break it.",
        "[Run the checks](../how-to/run-assurance.md) with `families-first assure`. A check that is "
        "*missing* is not built:",
        "its promise is never shown as kept.",
        "",
        "| Promise | Checks | Missing | A proof counts for |",
        "| --- | --- | --- | --- |",
        *(_row(each) for each in register.promises),
    ]
    for promise in register.promises:
        lines += ["", f"## {promise.title}", "", f"> {promise.sentence}", "", promise.mechanism, ""]
        if promise.left_to_people:
            lines += [f"No program can judge {promise.left_to_people}. That is for people.", ""]
        lines += [f"- `{name}` tries to {CHECKS[name].tries}." for name in promise.checks]
        lines += [f"- `{gap.check}` is **missing**. {gap.why}" for gap in promise.missing]
    lines += [
        "",
        "## Checks",
        "",
        "| Check | One attempt is one of these | Seconds it may take |",
        "| --- | --- | --- |",
        *(f"| `{each.name}` | {each.unit} | {each.limit_seconds:.0f} |" for each in CHECKS.values()),
        "",
    ]
    return "\n".join(lines)


def _row(promise: Promise) -> str:
    missing = len(promise.missing) or "none"
    link = f"[{promise.title}](#{_anchor(promise.title)})"
    return f"| {link} | {len(promise.checks)} | {missing} | {promise.fresh_days} days |"


def _anchor(title: str) -> str:
    return "".join(each for each in title.lower().replace(" ", "-") if each.isalnum() or each == "-")
