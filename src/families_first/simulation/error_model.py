"""How agencies get people's details wrong: rates as parameters, by source and by group.

Overall rates are at least those of the hardest synthetic set we know of (12 % stale addresses, 6 % typing
errors in each name, 7 % wrong dates of birth, most records without a strong identifier). The factors by
source and group are assumptions that follow reported directions: names that are not Anglicised are
mis-recorded more often (adruk.org, linkage error is unequal), minority ethnic and deprived pupils link less
often (NPD-HES), young people move more. Factors are applied and then the whole is scaled so that the
overall rate is the one named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class SourceQuality:
    """Factors on the overall rates in one source's records, and the share that carries each identifier."""

    names: float = 1.0
    birth_dates: float = 1.0
    addresses: float = 1.0
    middle_name: float = 0.3
    nino: float = 0.0
    upn: float = 0.0
    nhs_number: float = 0.0
    pnc: float = 0.0


def _by_source() -> Mapping[str, SourceQuality]:
    return MappingProxyType(
        {
            "social-care": SourceQuality(
                names=0.8, birth_dates=0.8, middle_name=0.4, upn=0.6, nhs_number=0.1
            ),
            "schools": SourceQuality(names=0.8, birth_dates=0.7, middle_name=0.5, upn=0.74),
            "police": SourceQuality(names=1.6, birth_dates=1.5, addresses=1.3, middle_name=0.4, pnc=0.25),
            "courts": SourceQuality(names=1.3, birth_dates=1.2, addresses=1.2, middle_name=0.5, pnc=0.6),
            "youth-justice": SourceQuality(names=0.9, birth_dates=0.8, pnc=0.6, upn=0.3),
            "probation": SourceQuality(names=0.9, birth_dates=0.8, middle_name=0.3, pnc=0.9),
            "dwp": SourceQuality(names=0.7, birth_dates=0.6, addresses=0.8, middle_name=0.2, nino=0.60),
            "asb": SourceQuality(names=1.9, birth_dates=1.8, addresses=1.1, middle_name=0.05),
            "domestic-abuse": SourceQuality(names=1.6, birth_dates=1.5, addresses=1.2, middle_name=0.05),
            "treatment": SourceQuality(names=0.9, birth_dates=0.7, middle_name=0.2, nhs_number=0.55),
            "early-help": SourceQuality(
                names=1.1, birth_dates=1.0, middle_name=0.15, upn=0.2, nhs_number=0.05
            ),
            "housing": SourceQuality(names=1.0, birth_dates=1.1, addresses=0.6, middle_name=0.25, nino=0.03),
        }
    )


def _by_broad_group() -> Mapping[str, float]:
    return MappingProxyType({"white": 0.97, "mixed": 1.05, "asian": 1.2, "black": 1.2, "other": 1.2})


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """Overall rates, each a share of person records unless said otherwise.

    Names: ``forename_typo`` and ``surname_typo`` are any misspelling; ``phonetic_share``, ``ocr_share`` and
    ``transposition_share`` say what share of these is heard, read by a scanner, or two letters swapped (the
    rest: a letter replaced, dropped or doubled). ``former_surname`` is of records of people who changed
    theirs. Dates of birth: the six rates add up to 7 %. Addresses: ``stale_address`` is of all records.
    Identifiers: ``lost_identifier`` scales the share missing beyond ``SourceQuality`` by group;
    ``mistyped_identifier`` and ``identifier_of_relative`` are of identifiers present.
    """

    forename_typo: float = 0.06
    surname_typo: float = 0.06
    phonetic_share: float = 0.12
    ocr_share: float = 0.06
    transposition_share: float = 0.22
    nickname: float = 0.03
    initial_only: float = 0.004
    forename_missing: float = 0.0015
    placeholder_name: float = 0.0008
    names_swapped: float = 0.006
    former_surname: float = 0.14
    half_of_double_barrelled: float = 0.25
    birth_date_digit: float = 0.026
    birth_date_day_month: float = 0.012
    birth_date_year: float = 0.010
    birth_date_first_january: float = 0.004
    birth_date_default: float = 0.004
    birth_date_missing: float = 0.014
    sex_wrong: float = 0.004
    sex_missing: float = 0.01
    ethnicity_missing: float = 0.08
    stale_address: float = 0.12
    address_missing: float = 0.012
    postcode_missing: float = 0.018
    postcode_typo: float = 0.012
    postcode_pseudo: float = 0.002
    mistyped_identifier: float = 0.003
    identifier_of_relative: float = 0.001
    lost_identifier: float = 1.0
    non_anglicised_names: float = 1.5
    young_adult_moves: float = 2.0
    duplicate_reference: float = 0.06
    quarantinable_rows: float = 0.003
    late_facts: float = 0.005
    coverage_gap: float = 0.005
    by_source: Mapping[str, SourceQuality] = field(default_factory=_by_source)
    by_broad_group: Mapping[str, float] = field(default_factory=_by_broad_group)

    @property
    def birth_date_errors(self) -> float:
        """The share of records whose date of birth is missing or not the true one."""
        return (
            self.birth_date_digit
            + self.birth_date_day_month
            + self.birth_date_year
            + self.birth_date_first_january
            + self.birth_date_default
            + self.birth_date_missing
        )
