"""The plan of a linkage: what may stand in it, what follows from the agreements, and how it is told."""

import tomllib
from pathlib import Path

import pytest

from families_first.errors import ExitCode, UserError
from families_first.governance.agreements import Agreement
from families_first.governance.home import Home
from families_first.linkage.plan import LinkPlan, explain, pairs_of, plan_of
from made_up_study import owner_agreement


def agreements(**more: str) -> dict[str, Agreement]:
    texts = {owner: owner_agreement(owner) for owner in ("council", "education", "justice")} | more
    return {owner: Agreement.model_validate(tomllib.loads(text)) for owner, text in texts.items()}


def home_with_plan(root: Path, text: str) -> Home:
    home = Home.create(root, zone="linkage", title="Exampleshire Trusted Linker")
    (home.root / "plans").mkdir()
    (home.root / "plans" / "families-first-2026.toml").write_text(text)
    return home


def test_without_a_file_all_owners_of_the_agreements_are_linked(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "linkage", zone="linkage", title="Exampleshire Trusted Linker")
    pairs = pairs_of(plan_of(home, "families-first-2026"), agreements())
    assert [each.owner for each in pairs] == ["education", "justice"]
    assert all(each.one_to_one and each.engine == "duckdb" and each.encoded is None for each in pairs)


def test_an_owner_that_repeats_people_is_not_linked_one_to_one() -> None:
    said = 'owner = "education"'
    text = owner_agreement("education").replace(said, f"{said}\nrepeats_people = true")
    pairs = pairs_of(LinkPlan(project="families-first-2026"), agreements(education=text))
    assert {each.owner: each.one_to_one for each in pairs} == {"education": False, "justice": True}


def test_a_plan_settles_each_pair(tmp_path: Path) -> None:
    home = home_with_plan(
        tmp_path / "linkage",
        'project = "families-first-2026"\nmodel = "shipped"\nleast_probability = 0.05\n'
        "[owners.education]\none_to_one = false\nencoded = true\n"
        '[owners.justice]\nengine = "spark"\nleast_probability = 0.2\n'
        'parcel = "00000000-000001-000000000000"\n',
    )
    plan = plan_of(home, "families-first-2026")
    education, justice = pairs_of(plan, agreements())
    assert (education.one_to_one, education.encoded, education.model) == (False, True, "shipped")
    assert (education.least_probability, justice.least_probability) == (0.05, 0.2)
    assert (justice.engine, justice.parcel) == ("spark", "00000000-000001-000000000000")
    assert [each.engine for each in pairs_of(plan.with_engine("duckdb"), agreements())] == [
        "duckdb",
        "duckdb",
    ]
    told = explain(plan, (education, justice))
    assert "a person may have several records" in told[1]
    assert "by field tokens" in told[1]
    assert "on spark" in told[2]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('project = "families-first-2026"\nengine = "abacus"', "engine"),
        ('project = "families-first-2026"\nleast_probability = 0.001', "least_probability"),
        ('project = "families-first-2026"\nlink_at = 1.5', "link_at"),
        ('project = "families-first-2026"\nleft = "justice"', "left"),
        ('project = "families-first-2026"\n[owners.council]\none_to_one = true', "names the council"),
        ('project = "families-first-2026"\n[owners]', "names nobody to link"),
        ('project = "families-first-2026"\n[owners.education]\nthreshold = 3', "threshold"),
        ('project = "another-2026"', "it is of the project 'another-2026'"),
        ("project = ", "it is not TOML"),
    ],
)
def test_a_faulty_plan_is_refused_with_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    home = home_with_plan(tmp_path / "linkage", text)
    with pytest.raises(UserError) as refused:
        plan_of(home, "families-first-2026")
    assert told in refused.value.what
    assert refused.value.code is ExitCode.BAD_FILE


def test_a_plan_that_is_named_must_be_there(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "linkage", zone="linkage", title="Exampleshire Trusted Linker")
    with pytest.raises(UserError) as refused:
        plan_of(home, "families-first-2026", tmp_path / "nowhere.toml")
    assert refused.value.code is ExitCode.NOT_FOUND


def test_an_owner_without_an_agreement_cannot_be_linked() -> None:
    plan = LinkPlan.model_validate({"project": "families-first-2026", "owners": {"health": {}}})
    with pytest.raises(UserError, match="owners that no agreement of the project does: health") as refused:
        pairs_of(plan, agreements())
    assert refused.value.code is ExitCode.AGREEMENT
