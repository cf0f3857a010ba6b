"""What agencies wrote down of people: the truth with errors, one row a person record.

All records of all sources are recorded in one pass, so that overall error rates are those of the error model
however the records are spread over sources and groups.
"""

from dataclasses import dataclass

import nicknames
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from families_first.simulation import birth_dates, ethnicity
from families_first.simulation.columns import pick, text_of
from families_first.simulation.county import County
from families_first.simulation.error_model import ErrorModel, SourceQuality
from families_first.simulation.name_lists import communities
from families_first.simulation.places import DwellingKind
from families_first.simulation.slips import misspell, mistype

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_PLACEHOLDERS = ("UNKNOWN", "Unknown", "N/K", "TBC", "UNK")
_KNOWS_PROTECTED = ("social-care", "early-help")


@dataclass(frozen=True, slots=True)
class Roster:
    """Who is on record: one entry a record. ``source`` indexes ``sources``."""

    sources: tuple[str, ...]
    source: Integers
    person: Integers

    def __len__(self) -> int:
        return len(self.person)


class _Pen:
    """Rates spread over records, and the random numbers that decide who is hit."""

    def __init__(self, roster: Roster, county: County, rng: np.random.Generator) -> None:
        model, person = county.error_model, roster.person
        self.rng = rng
        self.count = len(roster)
        quality = [model.by_source.get(name, SourceQuality()) for name in roster.sources]
        broad = np.array([model.by_broad_group[group.broad] for group in ethnicity.GROUPS])[
            county.group[person]
        ]
        foreign = ~np.array([each.anglicised for each in communities()])[county.community[person]]

        def of_source(attribute: str) -> Numbers:
            return np.array([getattr(each, attribute) for each in quality])[roster.source]

        self.of_source = of_source
        self.broad = broad
        self.names = of_source("names") * broad * np.where(foreign, model.non_anglicised_names, 1.0)
        self.births = of_source("birth_dates") * broad
        age = county.age[person]
        young = np.where((age >= 18) & (age < 30), model.young_adult_moves, 1.0)
        recent = np.where(county.as_of - county.addresses.moved_on[person] < 730, 1.8, 1.0)
        self.addresses = of_source("addresses") * broad * young * recent

    def hit(self, rate: float, factor: Numbers | None = None, who: Flags | None = None) -> Flags:
        """Draw records at overall ``rate`` (of those in ``who``), spread by ``factor``."""
        if factor is None:
            chance = np.full(self.count, rate)
        else:
            base = factor if who is None else factor[who]
            chance = factor * (rate / max(float(base.mean()), 1e-12)) if len(base) else factor
        drawn: Flags = self.rng.random(self.count) < np.minimum(chance, 0.95)
        return drawn if who is None else drawn & who


def _change(column: pa.Array, where: Flags, values: pa.Array | npt.NDArray[np.str_]) -> pa.Array:
    words = values if isinstance(values, pa.Array) else pa.array(values, pa.string())
    return pc.replace_with_mask(column, pa.array(where), words)


def _blank(column: pa.Array, where: Flags) -> pa.Array:
    return pc.if_else(pa.array(where), pa.scalar(None, column.type), column)


def _nicknames(names: pa.Array, rng: np.random.Generator) -> pa.Array:
    """Return a familiar form of each distinct name, null where none is known."""
    namer = nicknames.NickNamer()
    familiar = []
    for name in names.to_pylist():
        forms = sorted(form for form in namer.nicknames_of(name) if len(form) > 1)
        familiar.append(forms[int(rng.integers(len(forms)))].title() if forms else None)
    return pa.array(familiar, pa.string())


def _names(county: County, roster: Roster, pen: _Pen) -> tuple[pa.Array, pa.Array, pa.Array]:
    model, names, person, rng = county.error_model, county.names, roster.person, pen.rng
    forename = names.text(names.forename[person])
    familiar = pick(_nicknames(names.vocabulary, rng), names.forename[person].astype(np.int64))
    known = np.asarray(pc.is_valid(familiar))
    short = pen.hit(model.nickname, np.where(known, 1.0, 0.0))
    forename = pc.if_else(pa.array(short), familiar, forename)

    changed = names.former_surname[person] >= 0
    former = changed & (rng.random(pen.count) < model.former_surname)
    code = np.where(former, names.former_surname[person], names.surname[person])
    double = names.surname_second[person] >= 0
    half = double & (rng.random(pen.count) < model.half_of_double_barrelled)
    second = np.where(former | half, -1, names.surname_second[person])
    surname = names.surnames(code.astype(np.int32), second.astype(np.int32))

    def misspelt(column: pa.Array, rate: float) -> pa.Array:
        where = pen.hit(rate, pen.names)
        wrong = misspell(text_of(column.filter(pa.array(where))), rng, phonetic=model.phonetic_share,
                         ocr=model.ocr_share, transposition=model.transposition_share)  # fmt: skip
        return _change(column, where, wrong)

    forename, surname = misspelt(forename, model.forename_typo), misspelt(surname, model.surname_typo)
    initial = pen.hit(model.initial_only)
    forename = _change(forename, initial, pc.utf8_slice_codeunits(forename.filter(pa.array(initial)), 0, 1))
    swapped = pa.array(pen.hit(model.names_swapped, pen.names))
    forename, surname = pc.if_else(swapped, surname, forename), pc.if_else(swapped, forename, surname)
    unknown = pen.hit(model.placeholder_name)
    words = np.array(_PLACEHOLDERS)[rng.integers(0, len(_PLACEHOLDERS), int(unknown.sum()))]
    forename = _change(forename, unknown, words)
    forename = _blank(forename, pen.hit(model.forename_missing))
    middle = _blank(names.text(names.middle[person]), rng.random(pen.count) >= pen.of_source("middle_name"))
    return forename, middle, surname


def _identifier(column: pa.Array, share: Numbers, roster: Roster, county: County, pen: _Pen) -> pa.Array:
    model, rng = county.error_model, pen.rng
    present = rng.random(pen.count) < share * (
        1 - model.lost_identifier * 0.25 * (pen.broad - pen.broad.min())
    )
    value = pick(column, np.where(present, roster.person, -1))
    neighbour = np.minimum(roster.person + 1, len(county) - 1)
    same_home = county.residents.household[neighbour] == county.residents.household[roster.person]
    relatives = pick(column, np.where(present & same_home, neighbour, -1))
    mixed_up = (
        pen.hit(model.identifier_of_relative)
        & np.asarray(pc.is_valid(relatives))
        & np.asarray(pc.is_valid(value))
    )
    value = pc.if_else(pa.array(mixed_up), relatives, value)
    wrong = pen.hit(model.mistyped_identifier) & np.asarray(pc.is_valid(value))
    return _change(value, wrong, mistype(text_of(value.filter(pa.array(wrong))), rng))


def _addresses(county: County, roster: Roster, pen: _Pen) -> dict[str, pa.Array]:
    model, person, rng, places = county.error_model, roster.person, pen.rng, county.addresses
    movable = places.before[person] >= 0
    stale = pen.hit(model.stale_address, np.where(movable, pen.addresses, 0.0))
    kind = places.dwellings.kind[places.now[person]]
    protected = kind == DwellingKind.REFUGE
    knows = np.isin(np.array(roster.sources)[roster.source], _KNOWS_PROTECTED)
    withheld = protected & ~knows
    stale = (stale & ~protected) | (withheld & movable)
    gone = withheld & ~movable
    dwelling = np.where(stale, places.before[person], places.now[person])
    missing = pen.hit(model.address_missing, pen.addresses) | gone
    buildings = places.dwellings

    def at(column: pa.Array) -> pa.Array:
        return pick(column, np.where(missing, -1, dwelling))

    code = at(buildings.postcode)
    wrong = pen.hit(model.postcode_typo) & ~missing
    code = _change(code, wrong, mistype(text_of(code.filter(pa.array(wrong))), rng))
    pseudo = pen.hit(model.postcode_pseudo)
    code = _change(code, pseudo, np.array(["ZZ99 3VZ", "ZZ99 3WZ"])[rng.integers(0, 2, int(pseudo.sum()))])
    code = _blank(code, pen.hit(model.postcode_missing, pen.addresses))
    placed = county.looked_after[person] & (county.lives_in[person] != county.residents.household[person])
    state = np.select([protected & knows, placed & ~stale, kind > DwellingKind.HOME], [3, 1, 2], 0)
    since = np.where(
        stale,
        np.maximum(places.moved_on[person] - 900, county.residents.born[person]),
        places.moved_on[person],
    )
    until = np.where(stale & (rng.random(pen.count) < 0.3), places.moved_on[person], -1)
    return {
        "house_number": at(buildings.house_number),
        "address_line_1": at(buildings.address_line_1),
        "locality": at(buildings.locality),
        "postcode": code,
        "uprn": at(buildings.uprn),
        "address_kind": pa.array(["home", "placement", "communal", "protected"]).take(pa.array(state)),
        "since": pa.array(since),
        "until": pa.array(until),
        "stale": pa.array(stale),
        "dwelling": pa.array(np.where(missing, -1, dwelling)),
    }


def record_people(county: County, roster: Roster) -> pa.Table:
    """Write down everybody in ``roster``, with errors: one row a record, in its order.

    Columns: person_no, source, forename, middle_names, surname, date_of_birth (date32), sex, group (int,
    null where not recorded), nino, upn, nhs_number, pnc, house_number, address_line_1, locality, postcode,
    uprn, address_kind, since and until (days, -1 for none), stale (bool), dwelling (int).
    """
    pen = _Pen(roster, county, county.rng("recording"))
    model: ErrorModel = county.error_model
    person, ids = roster.person, county.identifiers
    forename, middle, surname = _names(county, roster, pen)
    female = county.residents.female[person] ^ pen.hit(model.sex_wrong)
    sex = _blank(pa.array(["M", "F"]).take(pa.array(female.astype(np.int8))), pen.hit(model.sex_missing))
    unknown_group = pen.hit(model.ethnicity_missing, pen.broad)
    columns = {
        "person_no": pa.array(person),
        "source": pa.array(roster.sources).take(pa.array(roster.source)),
        "forename": forename,
        "middle_names": middle,
        "surname": surname,
        "date_of_birth": birth_dates.misrecord(county.residents.born[person], pen.births, model, pen.rng),
        "sex": sex,
        "group": pa.array(county.group[person], mask=unknown_group),
        "nino": _identifier(ids.nino, pen.of_source("nino"), roster, county, pen),
        "upn": _identifier(ids.upn, pen.of_source("upn"), roster, county, pen),
        "nhs_number": _identifier(ids.nhs_number, pen.of_source("nhs_number"), roster, county, pen),
        "pnc": _identifier(ids.pnc, pen.of_source("pnc"), roster, county, pen),
        **_addresses(county, roster, pen),
    }
    return pa.table(columns)
