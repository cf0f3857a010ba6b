"""What a protocol must say and may not contradict: each fault is told with where it is and what to do."""

import pytest

from families_first.errors import ExitCode, UserError
from families_first.research.protocol import load_protocol, read_protocol
from families_first.research.protocol.coverage import advice, answers
from families_first.research.protocol.rendering import in_plain_words
from made_up_protocol import PROTOCOL, changed

OWN_DATA = """
[data]
family = "family_id"
treated = "treated"

[data.fields]
role = "role"
age_band = "age"

[data.panels.looked-after]
"2024-Q1" = "q1"
"2024-Q2" = "q2"
"""

# what is replaced, by what, and the words in which the fault is told
FAULTS = {
    "a covariate after time zero": (
        "quarters = [-8, -1]",
        "quarters = [-8, 1]",
        "covariates: convictions-before: quarters end at 1, which is not before time zero",
    ),
    "a covariate at time zero": (
        "quarters = [-8, -1]",
        "quarters = [-8, 0]",
        "quarters end at 0, which is not before time zero",
    ),
    "a covariate further back than history": (
        "quarters = [-8, -1]",
        "quarters = [-9, -1]",
        "quarters begin 9 before time zero",
    ),
    "a covariate without a period": ("quarters = [-8, -1]\n", "", "convictions-before: quarters is missing"),
    "a complete register of nobody's": (
        "[method]",
        '[linkage]\ncomplete_registers = { health = "anyone" }\n\n[method]',
        "linkage: complete_registers: 'health' has no outcome or covariate",
    ),
    "no primary outcome": ("primary = true\n", "", "outcomes: none is primary"),
    "an unknown window": (
        'windows = ["months-19-24", "months-1-24"]',
        'windows = ["months-19-24", "year-9"]',
        "there is no [windows.year-9]",
    ),
    "a window beyond follow-up": ("quarters = 8\n", "quarters = 7\n", "people are followed for 7"),
    "a window of no outcome": (
        'windows = ["months-19-24", "months-1-24"]',
        'windows = ["months-1-24"]',
        "windows: months-19-24 is of no outcome",
    ),
    "a window before time zero": (
        "quarters = [1, 8]",
        "quarters = [-1, 8]",
        "quarters begin before time zero",
    ),
    "a window that ends before it begins": (
        "quarters = [7, 8]",
        "quarters = [8, 7]",
        "end before they begin",
    ),
    "an outcome named twice": (
        'id = "convictions"',
        'id = "looked-after"',
        "'looked-after' is there 2 times",
    ),
    "one thing as two outcomes": (
        'kind = "absence"\nmeasure = "share"',
        'kind = "absence"\nmeasure = "share"\nwindows = ["months-1-24"]\n\n'
        '[[outcomes]]\nid = "absence-again"\nlabel = "Again"\nbetter = "lower"\nwho = "child"\n'
        'owner = "education"\ntable = "measure"\nkind = "absence"\nmeasure = "share"',
        "absence of education is named 2 times",
    ),
    "an unknown kind": ('kind = "absence"', 'kind = "absences"', "the table measure has no kind 'absences'"),
    "an event counted in days": (
        'kind = "offence_proven"\nmeasure = "count"\nwindows',
        'kind = "offence_proven"\nmeasure = "days"\nwindows',
        "events are measured by any or count, and not by days",
    ),
    "the same people in both arms": (
        'status = "assessed-only"',
        'status = "participating"',
        "so there is nobody to compare with",
    ),
    "no comparison": ("[comparison]\ndescribes", "[comparisons]\ndescribes", "comparison is missing"),
    "follow-up from the start of help": (
        'time_zero = "assessed_on"',
        'time_zero = "started_on"',
        "only assessed_on is a day that those who take part and those who were only assessed both have",
    ),
    "no covariate": ("[[covariates]]", "[[covariants]]", "covariants is not a word that this file knows"),
    "an unknown field": ('field = "needs"', 'field = "shoe_size"', "there is no field 'shoe_size'"),
    "a subgroup by a number": (
        'field = "age_band"\n\n[[minimum',
        'field = "needs"\n\n[[minimum',
        "'needs' is no field of words",
    ),
    "a placebo after time zero": ("quarters = [-4, -1]", "quarters = [-4, 2]", "is not before time zero"),
    "a placebo of nothing": (
        '[[placebo]]\noutcome = "looked-after"',
        '[[placebo]]\noutcome = "weather"',
        "placebo: weather is no outcome",
    ),
    "a planned rate of nothing": (
        '[[minimum_detectable_effect.rates]]\noutcome = "looked-after"',
        '[[minimum_detectable_effect.rates]]\noutcome = "weather"',
        "weather is no outcome",
    ),
    "a planned rate in per cent": ("rate = 0.025", "rate = 2.5", "rate is a share below 1"),
    "panels that nobody uses": ("did = true\n", "", "no outcome has did = true"),
    "panels that the method leaves out": (
        "difference_in_differences = true",
        "difference_in_differences = false",
        "these have did: looked-after",
    ),
    "the primary method twice": ('others = ["matching"', 'others = ["doubly-robust"', "among the others too"),
    "money without a saving": (
        'unit_cost = { pounds = 60000, low = 40000, high = 80000, source = "made up" }\n',
        "",
        "no outcome has a unit_cost",
    ),
    "a cost outside its range": (
        "pounds = 4000",
        "pounds = 9000",
        "pounds does not lie between low and high",
    ),
    "a field that others know and nobody counts": (
        "[disclosure]\n",
        '[disclosure]\nquasi_identifiers = ["role", "sex", "ethnicity_group", "region"]\n',
        "the protocol uses 'age_band', which others may know",
    ),
    "a role made coarser": (
        "[disclosure]\n",
        '[disclosure]\ncoarsen = ["role"]\n',
        "'role' cannot be made coarser",
    ),
    "regions without districts": (
        '[regions]\n"Upland" = ["North"]\n"Lowland" = ["South"]\n',
        "",
        "no [regions] says which districts",
    ),
    "a district in two regions": (
        '"Lowland" = ["South"]',
        '"Lowland" = ["North"]',
        "'North' is there 2 times",
    ),
    "age bands that fall": (
        "[disclosure]\n",
        "[disclosure]\nage_bands = [0, 18, 16]\n",
        "begin at 0 and rise",
    ),
    "a first version with deviations": (
        "[disclosure]\n",
        '[[deviations]]\non = 2026-01-01\nwhat = "more"\nwhy = "late"\n\n[disclosure]\n',
        "version 1 is the plan itself",
    ),
    "a later version without deviations": ("version = 1\n", "version = 2\n", "version 2 names none"),
    "an id that a later version would have": (
        'id = "families-first-2026"\n',
        'id = "families-first-version-2"\n',
        "does not end in '-version-'",
    ),
    "records that end before they begin": (
        "records_until = 2025-06-30",
        "records_until = 2019-06-30",
        "records_until is not after records_from",
    ),
    "assumptions not told": (
        'assumptions = ["What led families to take part is among the covariates", '
        '"One family\'s part changes no other"]',
        "assumptions = []",
        "design: assumptions must not be empty",
    ),
    "an unknown word": (
        "min_families = 10",
        "min_families = 10\nmax_families = 3",
        "population: max_families is not a word that this file knows",
    ),
}


def faults(text: str) -> str:
    with pytest.raises(UserError) as refusal:
        read_protocol(text.encode(), file_name="plan.toml")
    assert refusal.value.code == ExitCode.BAD_FILE
    assert refusal.value.where == "plan.toml"
    assert refusal.value.fix
    return refusal.value.what


def replaced(old: str, new: str) -> str:
    """Replace a passage everywhere it stands: some faults need it in several places."""
    assert old in PROTOCOL, old
    return PROTOCOL.replace(old, new, 1 if PROTOCOL.count(old) > 1 else -1)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_with_its_place(fault):
    old, new, words = FAULTS[fault]
    assert words in faults(replaced(old, new))


def test_all_faults_of_how_parts_fit_are_told_at_once():
    text = changed("primary = true\n", "")
    text = changed("quarters = [-8, -1]", "quarters = [-8, 1]", text)
    text = changed('field = "needs"', 'field = "shoe_size"', text)
    told = faults(text)
    assert told.startswith("The protocol has 3 faults")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not text in UTF-8"),
        (b"id = ", "not TOML"),
        (b"x" * ((1 << 20) + 1), "larger than a protocol can be"),
        (b"", "question is missing"),
    ],
)
def test_a_file_that_is_no_protocol_is_refused(content, words):
    with pytest.raises(UserError, match=words):
        read_protocol(content, file_name="plan.toml")


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_path_that_is_no_file_is_refused_without_its_folder(tmp_path, name):
    with pytest.raises(UserError) as refusal:
        load_protocol(tmp_path / name)
    assert str(tmp_path) not in str(refusal.value)


def test_the_protocol_of_a_file_of_ones_own_needs_no_owners():
    text = PROTOCOL.replace("owner", "#owner").replace("\ntable", "\n#table").replace("\nkind", "\n#kind")
    text = text.replace("quarters = [-8, -1]", "").replace("quarters = [-8, -5]", "")
    text = text.replace('field = "needs"', "")
    assert "owner, table and kind are missing" in faults(text)
    read_protocol((text + OWN_DATA).encode(), file_name="plan.toml")
    assert "did = true needs [data.panels.looked-after]" in faults(
        text + OWN_DATA.partition("[data.panels")[0]
    )


def test_every_question_of_readers_is_answered_or_told_to_be_open():
    protocol = read_protocol(PROTOCOL.encode(), file_name="plan.toml").protocol
    told = {each.question: each.answered_in for each in answers(protocol)}
    assert told["Who is eligible?"] == "population"
    assert told["Who paid for it?"] == ""
    more = PROTOCOL + '\n[reporting]\nfunding = "Made-up fund"\napproved_by = "Made-up board"\n'
    told = {
        each.question: each.answered_in
        for each in answers(read_protocol(more.encode(), file_name="x").protocol)
    }
    assert told["Who paid for it?"] == "reporting.funding"


def test_a_placebo_that_a_covariate_makes_alike_is_pointed_out():
    protocol = read_protocol(PROTOCOL.encode(), file_name="plan.toml").protocol
    assert not any("placebo" in each for each in advice(protocol))
    text = changed("quarters = [-8, -5]", "quarters = [-8, -1]")
    assert any(
        "looked-after@placebo" in each
        for each in advice(read_protocol(text.encode(), file_name="x").protocol)
    )


def test_plain_words_tell_the_plan_and_every_deviation():
    text = changed("version = 1\n", "version = 2\n")
    text += '\n[[deviations]]\non = 2026-03-01\nwhat = "absence is left out"\nwhy = "it came late"\n'
    told = "\n".join(
        line
        for section in in_plain_words(read_protocol(text.encode(), file_name="x").protocol)
        for line in section.lines
    )
    for words in (
        "Primary: Children looked after, of children",
        "2026-03-01: absence is left out. Why: it came late.",
        "in the quarters -8 to -1 before time zero",
        "a keyworker for the whole family",
    ):
        assert words in told
