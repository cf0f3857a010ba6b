"""Made-up homes of a study, and a small split of a made-up county with facts, for tests on real parcels.

``study_in(root)`` makes the homes, ``Study.split()`` splits what ``write_sources`` wrote. Nobody here exists:
NINOs begin QQ, UPNs A999.
"""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from families_first.governance.desk import Clock, Desk, utc_now
from families_first.governance.home import Home
from families_first.governance.identity import IDENTITY_FILE, ensure_identity
from families_first.governance.purposes import Purpose
from families_first.governance.staff import STAFF_FILE, StaffMember, read_staff, write_staff
from families_first.governance.study import (
    Accepted,
    Split,
    accept_release,
    register_sealed_protocol,
    release_outcomes,
    request_release,
    split_for_study,
)

PROJECT = "families-first-2026"
OUTCOMES_FROM = date(2022, 1, 1)
LINKER, UNIVERSITY, PUBLISHER = (
    "Exampleshire Trusted Linker",
    "Exampleshire University",
    "Exampleshire Publisher",
)
LINKING, PROTOCOLS = "study-linkage-2026", "study-protocol-2026"

# owner id: organisation, its kind, what its people file has beside name, date of birth, sex and postcode, and
# its sections
OWNERS: Mapping[str, tuple[str, str, tuple[str, ...], tuple[str, ...]]] = {
    "council": ("Exampleshire Council", "council", ("nino", "upn"), ("programme",)),
    "education": ("Exampleshire Schools Department", "school", ("upn",), ("episode", "measure")),
    "justice": ("Exampleshire Courts", "court", ("pnc",), ("event", "episode")),
    "work": ("Exampleshire Jobcentre", "jobcentre", ("nino",), ("episode",)),
}
_ZONES = {
    "linkage": (LINKER, "linker"),
    "research": (UNIVERSITY, "researcher"),
    "publication": (PUBLISHER, "output-checker"),
}
_NAMES = ("forename", "surname", "date_of_birth", "sex", "postcode")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "programme": [
        "status",
        "assessed_on",
        "started_on",
        "ended_on",
        "role",
        "birth_month",
        "sex",
        "ethnicity",
        "district",
        "deprivation_fifth",
        "needs",
        "need_crime",
        "need_school",
        "need_children",
        "need_work",
        "need_abuse",
        "need_health",
    ],
    "event": ("kind", "occurred_on", "detail"),
    "episode": ("kind", "started_on", "ended_on", "detail"),
    "measure": ("kind", "period_start", "period_end", "numerator", "denominator"),
}

SPINE = ["owner", "row_key", "person", "family", "probability", "weight"]
LINKAGE_QUALITY = ["heading", "item", "group", "measure", "value", "low", "high", "count", "words"]
PROTOCOL = ["protocol", "protocol_sha256", "text", "entry", "proof", "serial", "group", "locked_key"]
RELEASE = ["serial", "protocol", "protocol_sha256", "release"]
OUTPUTS = ["name", "kind", "content"]


def agreement_text(
    agreement_id: str,
    parties: Mapping[str, str],
    files: Mapping[str, tuple[str, str, tuple[str, ...] | list[str]]],
    *,
    more: str = "",
    row_key: str = "",
    until: date = date(2099, 12, 31),
) -> str:
    """Return an agreement of a study: ``files`` are contents, recipient and columns by name."""
    lines = [
        f'id = "{agreement_id}"',
        f'title = "Whether the programme works: {agreement_id}"',
        "made_up = true",
        'purposes = ["research"]',
        "in_force_from = 2020-01-01",
        f"in_force_to = {until.isoformat()}",
        "review_on = 2020-06-30",
        'retention_class = "programme-2026"',
        f'row_key = "{row_key}"' if row_key else "",
        more,
        *(f'[[parties]]\nname = "{name}"\nrole = "{role}"' for name, role in parties.items()),
        '[gateway]\ntag = "DEA64"\nname = "Research"\nprovision = "Digital Economy Act 2017, section 64"',
    ]
    for name, (contents, recipient, columns) in files.items():
        lines += [
            f'[files.{name}]\ncontents = "{contents}"\nrecipient = "{recipient}"',
            f"[files.{name}.columns]",
            *(f'{column} = "The study needs it, as its protocol says"' for column in columns),
        ]
    return "\n".join([*lines, ""])


def owner_agreement(owner: str, **options: object) -> str:
    """Return the agreement by which an owner splits; ``options`` as for :func:`agreement_text`."""
    organisation, _, identifiers, sections = OWNERS[owner]
    people = ("row_key", *(("family_key",) if owner == "council" else ()), *_NAMES, *identifiers)
    given = {
        "more": f'[study]\nproject = "{PROJECT}"\nowner = "{owner}"\n'
        f'outcomes_from = {OUTCOMES_FROM}\noutcomes_released_by = "{PUBLISHER}"',
        "row_key": "row_key",
        **options,
    }
    return agreement_text(
        f"study-{owner}-2026",
        {
            organisation: "controller",
            LINKER: "processor",
            UNIVERSITY: "controller",
            PUBLISHER: "processor",
        },
        {
            "identifiers": ("identifiers", LINKER, people),
            **{name: ("payload", UNIVERSITY, ("row_key", *COLUMNS[name])) for name in sections},
        },
        **given,
    )


def shared_agreements() -> dict[str, str]:
    """Return the agreements between linker, university and publisher, by id."""
    return {
        LINKING: agreement_text(
            LINKING,
            {LINKER: "processor", UNIVERSITY: "controller"},
            {
                "spine": ("spine", UNIVERSITY, SPINE),
                "linkage-quality": ("spine", UNIVERSITY, LINKAGE_QUALITY),
            },
        ),
        PROTOCOLS: agreement_text(
            PROTOCOLS,
            {UNIVERSITY: "controller", PUBLISHER: "processor"},
            {
                "protocol": ("protocol", PUBLISHER, PROTOCOL),
                "release": ("release", UNIVERSITY, RELEASE),
                "outputs": ("outputs", PUBLISHER, OUTPUTS),
            },
        ),
    }


@dataclass(frozen=True)
class Study:
    """The homes of a study, which know one another, with somebody at work in each."""

    root: Path
    owners: Mapping[str, Home]
    linkage: Home
    research: Home
    publication: Home
    clock: Clock = field(default=utc_now)

    @property
    def homes(self) -> dict[str, Home]:
        """Every home: the owners by their ids, the others by their zones."""
        others = {"linkage": self.linkage, "research": self.research, "publication": self.publication}
        return {**self.owners, **others}

    def desk(self, home: str, *roles: str, purpose: Purpose = Purpose.RESEARCH) -> Desk:
        """Return a desk in a home, by its name in :attr:`homes`; of whoever does the study's work there."""
        place = self.homes[home]
        wanted = roles or (_ZONES[home][1] if home in _ZONES else "data-lead",)
        person = StaffMember(
            id="made-up-" + "-".join(wanted), name="Made-Up Person", roles=wanted, second_factor=True
        )
        others = read_staff(place).people if (place.root / STAFF_FILE).exists() else {}
        if others.get(person.id) != person:
            write_staff(place, *{**others, person.id: person}.values())
        return Desk(place, person, purpose, clock=self.clock)

    def sources(self, owner: str) -> Path:
        """Return the folder of an owner's source files."""
        return self.owners[owner].inbox / "study"

    def files(self, owner: str) -> list[Path]:
        """Return an owner's source files."""
        return sorted(self.sources(owner).glob("*"))

    def split(self, owner: str) -> Split:
        """Split an owner's source files."""
        return split_for_study(self.desk(owner), self.files(owner), f"study-{owner}-2026")

    def split_all(self) -> dict[str, Split]:
        """Split every owner's source files; returns the splits by owner."""
        return {owner: self.split(owner) for owner in self.owners}

    def release(self, text: bytes, protocol_id: str, splits: Iterable[Split]) -> Accepted:
        """Seal a protocol, have every locked parcel of some splits released for it, and accept that."""
        register_sealed_protocol(self.desk("research"), text, protocol_id)
        asked = request_release(self.desk("research"), protocol_id, PROTOCOLS, locked_paths(splits))
        released = release_outcomes(self.desk("publication"), asked.path, PROTOCOLS)
        return accept_release(self.desk("research"), released.parcel.path)


def locked_paths(splits: Iterable[Split]) -> list[Path]:
    """Return the files of every locked parcel of some splits."""
    return [each.locked.path for split in splits for each in split.sections if each.locked]


def study_in(root: Path, *, owners: tuple[str, ...] = tuple(OWNERS), clock: Clock = utc_now) -> Study:
    """Make the homes of a study in a folder, each with the agreements that concern it."""
    made = {
        owner: Home.create(
            root / ("council" if owner == "council" else f"owners/{owner}"),
            zone="council" if owner == "council" else "owner",
            title=OWNERS[owner][0],
            organisation_kind=OWNERS[owner][1],
        )
        for owner in owners
    }
    others = {zone: Home.create(root / zone, zone=zone, title=title) for zone, (title, _) in _ZONES.items()}
    homes = {**made, **others}
    for home in homes.values():
        name = ensure_identity(home).name
        for other in homes.values():
            if other is not home:
                shutil.copy(home.root / IDENTITY_FILE, other.partners / f"{name}.toml")
    for owner in owners:
        for home in (made[owner], *others.values()):
            write_agreement(home, f"study-{owner}-2026", owner_agreement(owner))
    for agreement_id, text in shared_agreements().items():
        for home in others.values():
            write_agreement(home, agreement_id, text)
    return Study(root, made, **others, clock=clock)


def study_at(root: Path, *, clock: Clock = utc_now) -> Study:
    """Return the homes of a study that are there already, such as those of a copied folder."""
    owners = {
        owner: root / ("council" if owner == "council" else f"owners/{owner}")
        for owner in OWNERS
        if (root / ("council" if owner == "council" else f"owners/{owner}")).exists()
    }
    others = {zone: Home.open(root / zone) for zone in _ZONES}
    return Study(root, {owner: Home.open(path) for owner, path in owners.items()}, **others, clock=clock)


def write_agreement(home: Home, agreement_id: str, text: str) -> None:
    """Put an agreement into a home."""
    (home.agreements / f"{agreement_id}.toml").write_text(text, encoding="utf-8")


@dataclass(frozen=True)
class Truth:
    """Who is whom in the source files: one row for each made-up person.

    ``references`` has for each owner the person's reference there; None where the owner does not know them.
    Families are numbered from 0; those from ``families`` on are of nobody in the programme.
    """

    family: list[int]
    is_child: list[bool]
    treated: list[bool]
    references: dict[str, list[str | None]]


def write_sources(study: Study, *, families: int = 30, others: int = 20, seed: int = 1) -> Truth:
    """Write source files of a made-up county for every owner of a study; returns the truth.

    ``families`` families of two to four are the council's, half of them on the programme; ``others`` more
    families are known to the other owners alone.
    """
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 5, families + others)
    family = np.repeat(np.arange(families + others), sizes)
    count = len(family)
    is_child = np.concatenate([np.arange(size) > 0 for size in sizes])
    known = family < families
    treated = known & (family % 2 == 0)
    ages = np.where(is_child, rng.integers(6, 15, count), rng.integers(25, 45, count))
    people = {
        "family_reference": [f"F{each:05d}" for each in family],
        "forename": [_FORENAMES[each] for each in rng.integers(0, len(_FORENAMES), count)],
        "surname": [_SURNAMES[each % len(_SURNAMES)] + _ENDINGS[each % len(_ENDINGS)] for each in family],
        "date_of_birth": [
            (date(2022, 1, 1) - timedelta(days=int(age * 365 + day))).isoformat()
            for age, day in zip(ages, rng.integers(0, 365, count), strict=True)
        ],
        "sex": [("F", "M")[each] for each in rng.integers(0, 2, count)],
        "postcode": [f"ZZ{each % 90 + 1} {each % 9 + 1}QQ" for each in family],
        "nino": [None if child else f"QQ{200000 + number:06d}A" for number, child in enumerate(is_child)],
        "upn": [f"A999{number:09d}" if child else None for number, child in enumerate(is_child)],
        "pnc": [None if child else f"2020/{number:07d}Z" for number, child in enumerate(is_child)],
    }
    in_register = {
        "council": known,
        "education": is_child,
        "justice": ~is_child | (ages >= 12),
        "work": ~is_child,
    }
    references: dict[str, list[str | None]] = {}
    for owner in study.owners:
        numbers = rng.permutation(count)
        references[owner] = [
            f"{owner[:1].upper()}{numbers[at]:06d}" if in_register[owner][at] else None for at in range(count)
        ]
        study.sources(owner).mkdir(parents=True, exist_ok=True)
        _write_people(study, owner, people, references[owner])
        for section in OWNERS[owner][3]:
            rows = _ROWS[section](owner, rng, [at for at in range(count) if references[owner][at]], people)
            _write_table(
                study.sources(owner) / f"{section}.csv",
                {"reference": [references[owner][at] for at in rows.pop("at")], **rows},
            )
    return Truth(family.tolist(), is_child.tolist(), treated.tolist(), references)


def _write_people(
    study: Study, owner: str, people: Mapping[str, list[str | None]], references: list[str | None]
) -> None:
    wanted = [*(["family_reference"] if owner == "council" else []), *_NAMES, *OWNERS[owner][2]]
    at = [number for number, reference in enumerate(references) if reference]
    _write_table(
        study.sources(owner) / "people.csv",
        {
            "reference": [references[number] for number in at],
            **{name: [people[name][number] for number in at] for name in wanted},
            "shoe_size": ["42"] * len(at),
        },
    )


def _write_table(path: Path, columns: Mapping[str, list[object]]) -> None:
    pa.csv.write_csv(pa.table({name: pa.array(each) for name, each in columns.items()}), path)


def _programme(
    owner: str, rng: np.random.Generator, at: list[int], people: Mapping[str, list[str | None]]
) -> dict[str, list[object]]:
    families = [people["family_reference"][number] for number in at]
    numbers = [int(str(each)[1:]) for each in families]
    assessed = [date(2022 + each % 2, 1 + 3 * (each % 3), 1) for each in numbers]
    joined = [each % 2 == 0 for each in numbers]
    needs = rng.integers(0, 2, (len(at), 6))
    flags = ("need_crime", "need_school", "need_children", "need_work", "need_abuse", "need_health")
    return {
        "at": at,
        "status": ["participating" if each else "assessed-only" for each in joined],
        "assessed_on": [each.isoformat() for each in assessed],
        "started_on": [each.isoformat() if on else None for each, on in zip(assessed, joined, strict=True)],
        "ended_on": [
            (each + timedelta(days=365)).isoformat() if on else None
            for each, on in zip(assessed, joined, strict=True)
        ],
        "role": ["child" if str(people["date_of_birth"][number]) > "2004" else "adult" for number in at],
        "birth_month": [str(people["date_of_birth"][number])[:8] + "01" for number in at],
        "sex": [people["sex"][number] for number in at],
        "ethnicity": [("19", "1", "7")[each] for each in rng.integers(0, 3, len(at))],
        "district": [("North", "South")[each % 2] for each in numbers],
        "deprivation_fifth": [1 + each % 5 for each in numbers],
        "needs": needs.sum(axis=1).tolist(),
        **{name: needs[:, place].tolist() for place, name in enumerate(flags)},
    }


def _events(
    owner: str, rng: np.random.Generator, at: list[int], people: Mapping[str, list[str | None]]
) -> dict[str, list[object]]:
    who = [number for number in at for _ in range(rng.integers(0, 4))]
    return {
        "at": who,
        "kind": ["offence_proven"] * len(who),
        "occurred_on": [_day(rng) for _ in who],
        "detail": [("theft", "violence", "drugs")[each] for each in rng.integers(0, 3, len(who))],
    }


def _episodes(
    owner: str, rng: np.random.Generator, at: list[int], people: Mapping[str, list[str | None]]
) -> dict[str, list[object]]:
    kind = {"education": "looked_after", "justice": "custody", "work": "out_of_work_benefit"}[owner]
    who = [number for number in at for _ in range(rng.integers(0, 3))]
    begins = [_day(rng) for _ in who]
    lasts = rng.integers(30, 900, len(who))
    ends = [
        (date.fromisoformat(each) + timedelta(days=int(days))).isoformat()
        for each, days in zip(begins, lasts, strict=True)
    ]
    return {
        "at": who,
        "kind": [kind] * len(who),
        "started_on": begins,
        "ended_on": [None if each > "2024-06-30" else each for each in ends],
        "detail": ["A" if each % 2 else None for each in lasts],
    }


def _measures(
    owner: str, rng: np.random.Generator, at: list[int], people: Mapping[str, list[str | None]]
) -> dict[str, list[object]]:
    terms = [
        (date(year, month, 1), date(year, month + 2, 28)) for year in range(2020, 2025) for month in (1, 4, 9)
    ]
    who = [number for number in at for _ in terms]
    return {
        "at": who,
        "kind": ["absence"] * len(who),
        "period_start": [begins.isoformat() for _ in at for begins, _ in terms],
        "period_end": [ends.isoformat() for _ in at for _, ends in terms],
        "numerator": rng.integers(0, 30, len(who)).tolist(),
        "denominator": [120] * len(who),
    }


def _day(rng: np.random.Generator) -> str:
    return (date(2020, 1, 1) + timedelta(days=int(rng.integers(0, 1800)))).isoformat()


_ROWS = {"programme": _programme, "event": _events, "episode": _episodes, "measure": _measures}
_FORENAMES = ("Madeupa", "Madeupb", "Madeupc", "Madeupd", "Madeupe", "Madeupf", "Madeupg", "Madeuph")
_SURNAMES = ("Zyxample", "Qwxample", "Vyxample", "Jyxample", "Kyxample")
_ENDINGS = ("son", "ton", "ford", "well", "by", "wick", "ham")
