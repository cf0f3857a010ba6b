"""Every key of a protocol file is explained, and nothing is explained that the file does not know."""

import re
from pathlib import Path

from families_first.cli import reference
from families_first.research.protocol import read_protocol
from families_first.research.protocol.coverage import advice, answers
from families_first.research.protocol.reference_page import explained, keys_of_the_model, meaning_of
from made_up_protocol import PROTOCOL

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "protocol-file.md"


def test_the_page_is_the_one_that_the_model_would_write_today():
    assert PAGE.read_text(encoding="utf-8") == reference.pages()["protocol-file.md"](), "run `make docs`"


def test_every_key_is_explained_and_no_explanation_is_of_nothing():
    used = set()
    for table, key in keys_of_the_model():
        assert meaning_of(table, key)
        used |= {f"{table}.{key}", key} & explained()
    assert explained() - used == set()


def test_every_table_that_a_protocol_writes_has_its_heading():
    page = PAGE.read_text(encoding="utf-8")
    for heading in re.findall(r"^\[\[?([a-z_]+)", PROTOCOL, re.MULTILINE):
        assert f"[{heading}" in page


def test_the_protocol_of_the_how_to_has_no_fault_and_hardly_an_open_question():
    text = (PAGE.parents[1] / "how-to" / "write-a-protocol.md").read_text(encoding="utf-8")
    protocol = read_protocol(
        text.partition("```toml\n")[2].partition("```")[0].encode(), file_name="x"
    ).protocol
    assert [each.question for each in answers(protocol) if not each.answered_in] == [
        "Where is the plan registered?",
        "Which interests are declared?",
        "Where is the code?",
    ]
    assert advice(protocol) == ()
