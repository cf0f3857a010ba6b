"""The code itself: whether a zone's code can reach another's, and whether a run reaches for the network."""

import ast
import json
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from families_first.assurance import planted
from families_first.assurance.bench import Bench, desk_as
from families_first.assurance.check import Findings, Tally, check
from families_first.errors import FamiliesFirstError
from families_first.governance.zone_file import Zone

PACKAGE = "families_first"
# A data owner's home runs what stands below every zone, as the council's does to split its records.
ZONES_WITH_CODE = tuple(zone for zone in Zone if zone is not Zone.OWNER)
_SECONDS = 90

_GUARDED_RUN = """
import json, sys
reached = []
def watch(event, arguments):
    if event in {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo",
    "socket.gethostbyname"}:
        reached.append(event)
sys.addaudithook(watch)
import atexit
atexit.register(lambda: open(sys.argv[1], "w").write(json.dumps(reached)))
from families_first.cli.main import exit_code_of
sys.exit(exit_code_of(sys.argv[2:]))
"""


@check(
    "zones-never-import-one-another",
    tries="find a way from the code of one zone to the code of another",
    unit="modules reached from a zone",
)
def zones_never_import_one_another(bench: Bench) -> Findings:
    """Every import of every module, followed to its end from each zone."""
    tally, imports = Tally(), imports_of(package_folder())
    for zone in ZONES_WITH_CODE:
        start = [name for name in imports if _room(name) == zone]
        if not start:
            tally.doubts.append(f"The package has no code of the {zone} zone.")
        for module, way in _reached(start, imports):
            room = _room(module)
            foreign = room in set(Zone) and room != zone
            tally.holds(not foreign, f"{zone} reaches {module}, by way of {way}")
    return tally.findings(
        f"The imports of all {len(imports)} modules of the program were read from their text, and "
        "followed from each of the four zones that have code of their own to their ends."
    )


def package_folder() -> Path:
    """Return the folder of the package as it is installed."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise FamiliesFirstError("the package has no folder")
    return Path(found.origin).parent


def imports_of(folder: Path) -> Mapping[str, frozenset[str]]:
    """Return what each module of a package imports of it, wherever in the module the import stands.

    Names that are put together while the program runs, as the commands' are, are found as text: a string that
    names a module counts as its import.
    """
    files = {_name(path, folder): path for path in sorted(folder.rglob("*.py"))}
    return {
        name: frozenset(found for found in _imports(path, name) if found in files and found != name)
        for name, path in files.items()
    }


def _imports(path: Path, name: str) -> Iterator[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Constant) and str(node.value).startswith(f"{PACKAGE}."):
            yield str(node.value).partition(":")[0]


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _name(path: Path, folder: Path) -> str:
    parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def _reached(start: list[str], imports: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Yield every module that can be reached, with the module by way of which."""
    waiting, seen = deque((each, each) for each in start), set(start)
    while waiting:
        module, way = waiting.popleft()
        yield module, way
        for further in sorted(imports.get(module, frozenset()) - seen):
            seen.add(further)
            waiting.append((further, module))


@check(
    "no-network",
    tries="catch a landing and a matching run as it reaches for a network that is not there",
    unit="runs",
    limit_seconds=180,
)
def no_network(bench: Bench) -> Findings:
    """The programme's main job in a process of its own, without any network, each reach for a socket
    counted."""
    tally, room = Tally(), bench.room()
    home = bench.made_up_homes().council
    desk_as(home, "data-lead")
    planted.plant(home.inbox)
    told = room / "reached.json"
    without = _without_network()
    command = [*without, sys.executable, "-c", _GUARDED_RUN, str(told), "run", "--home", str(home.root)]
    done = subprocess.run(  # noqa: S603 - our own program, in a home made a moment ago
        [
            *command,
            "--as",
            "made-up-data-lead",
            "--pack",
            "exampleshire-2026",
            "--on",
            "2026-05-01",
            "--json",
        ],
        capture_output=True,
        timeout=_SECONDS,
        check=False,
        env={**os.environ, "FAMILIES_FIRST_DEBUG": ""},
    )
    tally.attempts = 1
    if done.returncode != 0 or not told.exists():
        tally.doubts.append(
            f"The run ended with {done.returncode}, so it is not known what it would have done."
        )
    else:
        reached = json.loads(told.read_text("utf-8"))
        tally.breaches += [
            f"the run reached for the network ({each}) {reached.count(each)} times" for each in set(reached)
        ]
    if not without:
        tally.notes.append(
            "This machine gives no process a network of its own, so the sockets alone were watched."
        )
    where = "with no network at all" if without else "with its sockets watched"
    return tally.findings(
        f"A file was landed, matched, grouped and identified in a process {where}; it ran to its end."
    )


def _without_network() -> list[str]:
    """Return the words before a command that run it without any network; none where the machine cannot."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    words = [unshare, "-rn"]
    tried = subprocess.run([*words, "true"], capture_output=True, check=False)  # noqa: S603 - a fixed command
    return words if tried.returncode == 0 else []
