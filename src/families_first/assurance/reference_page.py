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
        "## Attacks on a study",
        "",
        "Checks of a study make one of made-up people, for real: owners split their records, a linker links",
        "them, researchers seal a protocol and open what is released for it. Then these are tried.",
        "`families-first assure` says how often each was tried and how many attempts got through; where one",
        "was not tried, the check cannot tell.",
        "",
        "| Check | Who | Tries to |",
        "| --- | --- | --- |",
        *(
            f"| `{each.name}` | {who[0].upper()}{who[1:]} | {what} |"
            for each in CHECKS.values()
            for who, what in each.attacks
        ),
        "",
    ]
    return "\n".join(lines)


def _row(promise: Promise) -> str:
    missing = len(promise.missing) or "none"
    link = f"[{promise.title}](#{_anchor(promise.title)})"
    return f"| {link} | {len(promise.checks)} | {missing} | {promise.fresh_days} days |"


def _anchor(title: str) -> str:
    return "".join(each for each in title.lower().replace(" ", "-") if each.isalnum() or each == "-")
