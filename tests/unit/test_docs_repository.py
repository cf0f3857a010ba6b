"""What may stand in the repository, and how big a module may grow."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
]
TEXTS = {
    path: text
    for path in TRACKED
    if (text := path.read_bytes().decode("utf-8", errors="ignore")) and b"\0" not in path.read_bytes()[:8000]
}

# Split, so that this file does not hold what it forbids.
_REGISTRIES = re.compile(
    "|".join(
        re.escape("".join(parts))
        for parts in (
            ("pypi", ".org"),
            ("pythonhosted", ".org"),
            ("registry.npmjs", ".org"),
            ("deb.debian", ".org"),
            ("--index", "-url"),
            ("extra-index", "-url"),
            ("find", "-links ="),
        )
    )
)
_MACHINE_PATHS = re.compile(r"(?<![\w.$}/-])/(?:work|farm|root|opt|Users|home/\w+|tmp/\w+)/")

LONGEST_MODULE = 400
# Modules that may be longer, each with the reason.
LONGER_WITH_REASON: dict[str, str] = {}

_VAGUE = {"utils", "util", "helpers", "helper", "misc", "common"}


@pytest.mark.parametrize("pattern", [_REGISTRIES, _MACHINE_PATHS], ids=["registry", "machine path"])
def test_no_tracked_file_holds_the_address_of_a_registry_or_the_path_of_a_machine(pattern):
    assert {
        str(path.relative_to(ROOT)): found.group()
        for path, text in TEXTS.items()
        if (found := pattern.search(text))
    } == {}


def test_no_module_is_longer_than_agreed_without_a_listed_reason():
    long = {
        str(path.relative_to(ROOT))
        for path, text in TEXTS.items()
        if path.suffix == ".py" and (ROOT / "src") in path.parents and text.count("\n") > LONGEST_MODULE
    }
    assert long - LONGER_WITH_REASON.keys() == set()


def test_no_reason_is_listed_for_a_module_that_is_short_enough():
    assert [name for name in LONGER_WITH_REASON if TEXTS[ROOT / name].count("\n") <= LONGEST_MODULE] == []


def test_nothing_has_a_name_that_says_nothing():
    assert [
        str(path.relative_to(ROOT)) for path in TRACKED if _VAGUE & {path.stem, *path.relative_to(ROOT).parts}
    ] == []


def test_every_zone_says_what_it_may_hold_never_hold_and_who_runs_it():
    for zone in ("council", "linkage", "research", "publication"):
        docstring = (ROOT / "src/families_first" / zone / "__init__.py").read_text(encoding="utf-8")
        for promise in ("May hold:", "May never", "Run by:"):
            assert promise in re.sub(r"\s+", " ", docstring), f"{zone} does not say '{promise}'"


def test_every_make_target_is_listed_by_make_help():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE)) - {"programs"}
    # Inside `make test` a second make would say which folder it enters.
    command = ["make", "--no-print-directory", "help"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert {line.split()[0] for line in printed.splitlines()} == targets


def _locked() -> dict[str, str]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {re.split(r"[=<>;\[ ]", entry, maxsplit=1)[0].lower(): entry for entry in entries}


def test_every_locked_package_has_one_version_and_a_hash():
    unsure = [name for name, entry in _locked().items() if "==" not in entry or "--hash=sha256:" not in entry]
    assert unsure == []


def test_every_dependency_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[=<>;\[ ]", requirement, maxsplit=1)[0].lower() for requirement in wanted}
    assert names - _locked().keys() == set()
