"""``families-first protocol``: check what a study plans, read it in plain words, and seal it."""

from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from families_first.cli.options import HERE, AsOption, HomeOption, JsonOption, desk_at
from families_first.cli.output import Sheet, counted, emit

if TYPE_CHECKING:
    from families_first.research.protocol import ProtocolText

app = App(name="protocol", help="Check what a study plans, read it in plain words, and seal it.")

_PURPOSE = "research"


@app.command
def check(file: Path, /, *, json: JsonOption = False) -> None:
    """Check a protocol: every fault at once, the questions that it leaves open, and advice.

    Parameters
    ----------
    file
        The protocol, a TOML file.
    """
    from families_first.research.protocol import load_protocol
    from families_first.research.protocol.coverage import advice, answers

    text = load_protocol(file)
    told, advised = answers(text.protocol), advice(text.protocol)
    still_open = [each for each in told if not each.answered_in]
    emit(
        {
            **_named(text),
            "answers": told,
            "open_questions": [each.question for each in still_open],
            "advice": advised,
        },
        json=json,
        show=[
            f"{text.file_name} has no fault: protocol {text.protocol.id}, version {text.protocol.version}.",
            Sheet(
                ["Readers will ask", "It is answered in", "Asked by"],
                [[each.question, each.answered_in or "(open)", each.source] for each in told],
            ),
            *(f"Advice: {each}" for each in advised),
            f"{counted(len(still_open), 'question')} left open; a sealed protocol does not change, so answer "
            "them first if they can be answered."
            if still_open
            else "Every question is answered.",
        ],
    )


@app.command
def show(file: Path, /, *, json: JsonOption = False) -> None:
    """Show a protocol in plain words.

    Parameters
    ----------
    file
        The protocol, a TOML file.
    """
    from families_first.research.protocol import load_protocol
    from families_first.research.protocol.rendering import in_plain_words

    text = load_protocol(file)
    sections = in_plain_words(text.protocol)
    emit(
        {**_named(text), "sections": sections},
        json=json,
        show=[
            *(
                line
                for section in sections
                for line in (section.title, *(f"  {each}" for each in section.lines))
            ),
            f"SHA-256 of the file: {text.sha256}",
        ],
    )


@app.command
def seal(file: Path, /, *, home: HomeOption = HERE, as_: AsOption = "", json: JsonOption = False) -> None:
    """Seal a protocol: its hash goes into the audit log, and nothing of it changes from then on.

    Outcomes are released for a sealed protocol alone. To change the plan, seal the next version, which names
    each deviation.

    Parameters
    ----------
    file
        The protocol, a TOML file.
    """
    from families_first.research.protocol.sealing import seal_protocol

    sealed = seal_protocol(desk_at(home, as_, _PURPOSE), file)
    protocol = sealed.text.protocol
    emit(
        {
            **_named(sealed.text),
            "sealed_as": sealed.seal.id,
            "entry": sealed.seal.entry,
            "versions_before": len(sealed.before),
            "deviations": len(protocol.deviations),
        },
        json=json,
        show=[
            f"Sealed version {protocol.version} of the protocol {protocol.id} as '{sealed.seal.id}': entry "
            f"{sealed.seal.entry} of the audit log.",
            f"SHA-256 {sealed.seal.sha256}",
            *(f"Deviation, {each.on}: {each.what}. Why: {each.why}" for each in protocol.deviations),
            "Publish this hash where the study is registered: anybody can then see that the plan came first.",
        ],
    )


def _named(text: "ProtocolText") -> dict[str, object]:
    protocol = text.protocol
    return {
        "protocol": protocol.id,
        "version": protocol.version,
        "title": protocol.title,
        "sha256": text.sha256,
    }
