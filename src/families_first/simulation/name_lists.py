"""Name lists by language community, from Faker's locale providers and lists of our own, in Latin letters.

Every name is a common given name or surname put together by chance; nobody real is meant. Where Faker has a
list in another script or none, ``name_lists.toml`` has one written for this project.
"""

import importlib
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
TextArray = npt.NDArray[np.str_]

_LETTERS_WITHOUT_DECOMPOSITION = str.maketrans(
    {"ł": "l", "Ł": "L", "ı": "i", "đ": "d", "Đ": "D", "ø": "o", "ß": "ss", "æ": "ae", "’": "'", "ʼ": "'"}
)


@dataclass(frozen=True, slots=True)
class Weighted:
    """Names with their cumulative share; ``cumulative`` has the length of ``names`` and ends at 1."""

    names: TextArray
    cumulative: FloatArray


@dataclass(frozen=True, slots=True)
class Community:
    """How one language community names people.

    ``forenames`` is by sex (F, M) and cohort (born before 1960, 1960 to 1999, from 2000); ``surnames`` by
    sex; ``wife_takes_name`` and ``child_takes_fathers_name`` are shares; ``english_forename`` is the share
    of people born from 2000 with a forename of the ``british`` list; ``anglicised`` is False where
    English-speaking clerks mis-spell the names more often (Linkage error is unequal, adruk.org).
    """

    name: str
    forenames: dict[tuple[str, int], Weighted]
    surnames: dict[str, Weighted]
    wife_takes_name: float
    child_takes_fathers_name: float
    english_forename: float
    anglicised: bool


def to_latin(text: str) -> str:
    """Return ``text`` without diacritics, in title case, keeping apostrophes, hyphens and spaces."""
    folded = unicodedata.normalize("NFKD", text.translate(_LETTERS_WITHOUT_DECOMPOSITION))
    plain = "".join(letter for letter in folded if not unicodedata.combining(letter)).strip()
    return plain if any(letter.islower() for letter in plain) else plain.title()


def _unique(names: Iterable[str]) -> list[str]:
    latin = (to_latin(name) for name in names)
    return list(dict.fromkeys(name for name in latin if name.isascii() and len(name) > 1))


def weighted(names: Iterable[str], *, skew: float = 0.75) -> Weighted:
    """Weigh names by rank: share of the k-th name is proportional to 1 / (k + 3) ** skew."""
    unique = _unique(names)
    weight = 1.0 / (np.arange(len(unique)) + 3.0) ** skew
    return Weighted(np.array(unique), np.cumsum(weight / weight.sum()))


def mixture(parts: Iterable[tuple[float, Weighted]]) -> Weighted:
    """Mix lists: ``(share, list)`` pairs; a name in two lists keeps both shares."""
    names: list[TextArray] = []
    shares: list[FloatArray] = []
    for share, part in parts:
        names.append(part.names)
        shares.append(np.diff(part.cumulative, prepend=0.0) * share)
    weight = np.concatenate(shares)
    return Weighted(np.concatenate(names), np.cumsum(weight / weight.sum()))


def draw(pool: Weighted, rng: np.random.Generator, count: int) -> TextArray:
    """Draw ``count`` names."""
    last = len(pool.names) - 1
    return pool.names[np.minimum(np.searchsorted(pool.cumulative, rng.random(count)), last)]


def _faker(locale: str, attribute: str) -> list[str]:
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    return list(getattr(provider, attribute))


def _faker_weighted(locale: str, attribute: str) -> Weighted:
    shares: dict[str, float] = getattr(
        importlib.import_module(f"faker.providers.person.{locale}").Provider, attribute
    )
    weight = np.array(list(shares.values()), dtype=np.float64)
    return Weighted(np.array([to_latin(name) for name in shares]), np.cumsum(weight / weight.sum()))


def _same_for_all_cohorts(female: Weighted, male: Weighted) -> dict[tuple[str, int], Weighted]:
    return {(sex, cohort): pool for sex, pool in (("F", female), ("M", male)) for cohort in range(3)}


def _by_locales(*locales: str) -> dict[tuple[str, int], Weighted]:
    female = [name for locale in locales for name in _faker(locale, "first_names_female")]
    male = [name for locale in locales for name in _faker(locale, "first_names_male")]
    return _same_for_all_cohorts(weighted(female), weighted(male))


def _own(lists: dict[str, list[str]]) -> dict[tuple[str, int], Weighted]:
    return _same_for_all_cohorts(weighted(lists["female"]), weighted(lists["male"]))


def _surnames(both: Weighted, female: Weighted | None = None) -> dict[str, Weighted]:
    return {"F": female or both, "M": both}


def _british(lists: dict[str, dict[str, list[str]]]) -> Community:
    forenames = {}
    for sex, word in (("F", "female"), ("M", "male")):
        middle = weighted(_faker("en_GB", f"first_names_{word}"), skew=0.6)
        elder, young = (
            weighted(lists["elder_british"][word]),
            weighted(lists["young_british"][word], skew=0.5),
        )
        tail = weighted(_faker("en_IE", f"first_names_{word}"), skew=0.2)
        forenames[sex, 0] = mixture([(0.7, elder), (0.3, middle)])
        forenames[sex, 1] = mixture([(0.9, middle), (0.1, tail)])
        forenames[sex, 2] = mixture([(0.62, young), (0.16, middle), (0.22, tail)])
    computed = lists["computed_surnames"]
    rare = weighted((stem + end for stem in computed["stems"] for end in computed["endings"]), skew=0.1)
    common = _faker_weighted("en_GB", "last_names")
    irish = weighted(_faker("en_IE", "last_names"), skew=0.3)
    return Community(
        "british",
        forenames,
        _surnames(mixture([(0.62, common), (0.30, rare), (0.08, irish)])),
        0.72,
        0.88,
        0.0,
        True,
    )


def _continental(lists: dict[str, dict[str, list[str]]]) -> list[Community]:
    baltic_women = weighted([*_faker("lv_LV", "first_names_female"), "Ruta", "Egle", "Rasa", "Jurgita"])
    baltic_men = weighted([*_faker("lv_LV", "first_names_male"), *_faker("lt_LT", "first_names")[:40]])
    polish = weighted([*_faker("pl_PL", "male_last_names"), *_faker("pl_PL", "unisex_last_names")[:1200]])
    polish_women = Weighted(
        np.array(
            [f"{name[:-1]}a" if name.endswith(("ski", "cki", "dzki")) else name for name in polish.names]
        ),
        polish.cumulative,
    )
    southern = weighted(
        [
            *_faker("pt_PT", "last_names"),
            *_faker("es_ES", "last_names")[:300],
            *_faker("it_IT", "last_names")[:300],
        ],
        skew=0.5,
    )
    baltic = weighted([*_faker("lv_LV", "last_names_male"), *_faker("lt_LT", "last_names")])
    turkish = weighted(_faker("tr_TR", "last_names"))
    romanian = weighted(
        [
            *_faker("ro_RO", "last_names"),
            "Popescu",
            "Ionescu",
            "Radu",
            "Dumitru",
            "Stan",
            "Stoica",
            "Gheorghe",
            "Rusu",
            "Munteanu",
            "Matei",
            "Constantin",
            "Serban",
            "Moldovan",
            "Lazar",
        ]
    )
    return [
        Community(
            "irish",
            _by_locales("en_IE"),
            _surnames(weighted(_faker("en_IE", "last_names"), skew=0.5)),
            0.72,
            0.9,
            0.3,
            True,
        ),
        Community("polish", _by_locales("pl_PL"), _surnames(polish, polish_women), 0.85, 0.95, 0.25, False),
        Community("romanian", _by_locales("ro_RO"), _surnames(romanian), 0.8, 0.93, 0.2, False),
        Community(
            "baltic",
            _same_for_all_cohorts(baltic_women, baltic_men),
            _surnames(baltic),
            0.8,
            0.93,
            0.2,
            False,
        ),
        Community(
            "southern_european",
            _by_locales("pt_PT", "es_ES", "it_IT"),
            _surnames(southern),
            0.3,
            0.92,
            0.2,
            False,
        ),
        Community("turkish", _by_locales("tr_TR"), _surnames(turkish), 0.85, 0.96, 0.1, False),
    ]


def _wider_world(lists: dict[str, dict[str, list[str]]], british: Community) -> list[Community]:
    west = _by_locales("yo_NG", "ig_NG", "en_NG", "tw_GH")
    west_surnames = weighted(
        [
            *_faker("yo_NG", "last_names"),
            *_faker("ig_NG", "last_names"),
            *_faker("tw_GH", "last_names"),
            *_faker("en_NG", "last_names"),
        ],
        skew=0.5,
    )
    chinese = weighted(
        [*_faker("zh_TW", "last_romanized_names"), *_faker("zh_CN", "last_romanized_names")], skew=0.9
    )
    chinese_forenames = _same_for_all_cohorts(
        weighted([*lists["chinese"]["female"], *_faker("zh_TW", "first_romanized_names_female")], skew=0.3),
        weighted([*lists["chinese"]["male"], *_faker("zh_TW", "first_romanized_names_male")], skew=0.3),
    )
    american = _faker_weighted("en_US", "last_names")
    caribbean = mixture([(0.6, british.surnames["M"]), (0.4, american)])
    north_african = weighted([*lists["arab"]["surnames"], *_faker("fr_DZ", "last_names")], skew=0.6)
    arab_forenames = _same_for_all_cohorts(
        weighted([*lists["arab"]["female"], *_faker("fr_DZ", "first_names_female")]),
        weighted([*lists["arab"]["male"], *_faker("fr_DZ", "first_names_male")]),
    )

    def own(name: str, wife: float, child: float, english: float) -> Community:
        entry = lists[name]
        women = weighted(entry["surnames_female"]) if "surnames_female" in entry else None
        return Community(
            name, _own(entry), _surnames(weighted(entry["surnames"]), women), wife, child, english, False
        )

    return [
        Community(
            "indian",
            _by_locales("en_IN"),
            _surnames(weighted(_faker("en_IN", "last_names"), skew=0.9)),
            0.75,
            0.95,
            0.1,
            False,
        ),
        own("sikh", 0.25, 0.7, 0.05),
        own("pakistani", 0.3, 0.85, 0.02),
        own("bangladeshi", 0.2, 0.8, 0.02),
        Community("chinese", chinese_forenames, _surnames(chinese), 0.15, 0.97, 0.55, False),
        own("filipino_nepali", 0.7, 0.93, 0.3),
        Community("west_african", west, _surnames(west_surnames), 0.75, 0.92, 0.35, False),
        Community(
            "east_african",
            _by_locales("en_KE"),
            _surnames(_faker_weighted("en_KE", "last_names")),
            0.6,
            0.85,
            0.35,
            False,
        ),
        own("somali", 0.05, 0.6, 0.02),
        Community("caribbean", british.forenames, _surnames(caribbean), 0.65, 0.7, 0.0, True),
        Community("arab", arab_forenames, _surnames(north_african), 0.2, 0.95, 0.05, False),
        own("persian", 0.3, 0.93, 0.1),
    ]


@cache
def communities() -> tuple[Community, ...]:
    """Return every community; ``british`` is the first."""
    text = files("families_first.simulation").joinpath("name_lists.toml").read_text(encoding="utf-8")
    lists = tomllib.loads(text)
    british = _british(lists)
    return (british, *_continental(lists), *_wider_world(lists, british))
