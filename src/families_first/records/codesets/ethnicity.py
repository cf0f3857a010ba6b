"""Ethnicity codes of the agencies, brought to the 19 groups of the 2021 census of England and Wales.

Sources: the 20 codes of the children in need census (rule 4220) and of the school census; the 16+1
self-defined codes of police and youth justice. The groups are those of ONS "Ethnic group (20 categories)",
less "does not apply". Where a code is wider than a group it goes to the "other" group of its kind and is
marked: W9 holds Roma and Travellers, O9 and OOTH hold Arab, and none of these can be told apart afterwards.
"""

from enum import StrEnum
from typing import Final

from families_first.records.codesets.codeset import Code, CodeSet


class EthnicGroup(StrEnum):
    """The value of ``person_record.ethnicity``."""

    WHITE_BRITISH = "WHITE_BRITISH"
    WHITE_IRISH = "WHITE_IRISH"
    WHITE_TRAVELLER = "WHITE_TRAVELLER"
    WHITE_ROMA = "WHITE_ROMA"
    WHITE_OTHER = "WHITE_OTHER"
    MIXED_WHITE_CARIBBEAN = "MIXED_WHITE_CARIBBEAN"
    MIXED_WHITE_AFRICAN = "MIXED_WHITE_AFRICAN"
    MIXED_WHITE_ASIAN = "MIXED_WHITE_ASIAN"
    MIXED_OTHER = "MIXED_OTHER"
    ASIAN_INDIAN = "ASIAN_INDIAN"
    ASIAN_PAKISTANI = "ASIAN_PAKISTANI"
    ASIAN_BANGLADESHI = "ASIAN_BANGLADESHI"
    ASIAN_CHINESE = "ASIAN_CHINESE"
    ASIAN_OTHER = "ASIAN_OTHER"
    BLACK_AFRICAN = "BLACK_AFRICAN"
    BLACK_CARIBBEAN = "BLACK_CARIBBEAN"
    BLACK_OTHER = "BLACK_OTHER"
    OTHER_ARAB = "OTHER_ARAB"
    OTHER_OTHER = "OTHER_OTHER"

    @property
    def broad(self) -> str:
        """The broad group: white, mixed, asian, black or other."""
        return self.value.partition("_")[0].lower()


LABELS: Final[dict[EthnicGroup, str]] = {
    EthnicGroup.WHITE_BRITISH: "White: English, Welsh, Scottish, Northern Irish or British",
    EthnicGroup.WHITE_IRISH: "White: Irish",
    EthnicGroup.WHITE_TRAVELLER: "White: Gypsy or Irish Traveller",
    EthnicGroup.WHITE_ROMA: "White: Roma",
    EthnicGroup.WHITE_OTHER: "White: any other",
    EthnicGroup.MIXED_WHITE_CARIBBEAN: "Mixed: White and Black Caribbean",
    EthnicGroup.MIXED_WHITE_AFRICAN: "Mixed: White and Black African",
    EthnicGroup.MIXED_WHITE_ASIAN: "Mixed: White and Asian",
    EthnicGroup.MIXED_OTHER: "Mixed: any other",
    EthnicGroup.ASIAN_INDIAN: "Asian: Indian",
    EthnicGroup.ASIAN_PAKISTANI: "Asian: Pakistani",
    EthnicGroup.ASIAN_BANGLADESHI: "Asian: Bangladeshi",
    EthnicGroup.ASIAN_CHINESE: "Asian: Chinese",
    EthnicGroup.ASIAN_OTHER: "Asian: any other",
    EthnicGroup.BLACK_AFRICAN: "Black: African",
    EthnicGroup.BLACK_CARIBBEAN: "Black: Caribbean",
    EthnicGroup.BLACK_OTHER: "Black: any other",
    EthnicGroup.OTHER_ARAB: "Other: Arab",
    EthnicGroup.OTHER_OTHER: "Other: any other",
}

_G = EthnicGroup
CENSUS: Final = CodeSet(
    name="Ethnicity, children in need and school census",
    source="Children in need census, validation rule 4220",
    codes=(
        Code("WBRI", "White British", _G.WHITE_BRITISH),
        Code("WIRI", "White Irish", _G.WHITE_IRISH),
        Code("WIRT", "Traveller of Irish heritage", _G.WHITE_TRAVELLER),
        # One code for two groups of the 2021 census.
        Code("WROM", "Gypsy or Roma", _G.WHITE_ROMA, indicative=True),
        Code("WOTH", "Any other White background", _G.WHITE_OTHER),
        Code("MWBC", "White and Black Caribbean", _G.MIXED_WHITE_CARIBBEAN),
        Code("MWBA", "White and Black African", _G.MIXED_WHITE_AFRICAN),
        Code("MWAS", "White and Asian", _G.MIXED_WHITE_ASIAN),
        Code("MOTH", "Any other mixed background", _G.MIXED_OTHER),
        Code("AIND", "Indian", _G.ASIAN_INDIAN),
        Code("APKN", "Pakistani", _G.ASIAN_PAKISTANI),
        Code("ABAN", "Bangladeshi", _G.ASIAN_BANGLADESHI),
        Code("AOTH", "Any other Asian background", _G.ASIAN_OTHER),
        Code("CHNE", "Chinese", _G.ASIAN_CHINESE),
        Code("BAFR", "African", _G.BLACK_AFRICAN),
        Code("BCRB", "Caribbean", _G.BLACK_CARIBBEAN),
        Code("BOTH", "Any other Black background", _G.BLACK_OTHER),
        Code("OOTH", "Any other ethnic group", _G.OTHER_OTHER, indicative=True),
        Code("REFU", "Refused"),
        Code("NOBT", "Not yet obtained"),
    ),
)
POLICE: Final = CodeSet(
    name="Self-defined ethnicity 16+1, police and youth justice",
    source="Home Office self-defined ethnicity, 16+1 (2001 census groups)",
    codes=(
        Code("W1", "White British", _G.WHITE_BRITISH),
        Code("W2", "White Irish", _G.WHITE_IRISH),
        Code("W9", "Any other White background", _G.WHITE_OTHER, indicative=True),
        Code("M1", "White and Black Caribbean", _G.MIXED_WHITE_CARIBBEAN),
        Code("M2", "White and Black African", _G.MIXED_WHITE_AFRICAN),
        Code("M3", "White and Asian", _G.MIXED_WHITE_ASIAN),
        Code("M9", "Any other mixed background", _G.MIXED_OTHER),
        Code("A1", "Indian", _G.ASIAN_INDIAN),
        Code("A2", "Pakistani", _G.ASIAN_PAKISTANI),
        Code("A3", "Bangladeshi", _G.ASIAN_BANGLADESHI),
        Code("A9", "Any other Asian background", _G.ASIAN_OTHER),
        Code("B1", "Caribbean", _G.BLACK_CARIBBEAN),
        Code("B2", "African", _G.BLACK_AFRICAN),
        Code("B9", "Any other Black background", _G.BLACK_OTHER),
        Code("O1", "Chinese", _G.ASIAN_CHINESE),
        Code("O9", "Any other ethnic group", _G.OTHER_OTHER, indicative=True),
        Code("NS", "Not stated"),
    ),
)
# Every code and group name that an agency may send, in capitals, to the group; None where nothing was stated.
TO_GROUP: Final[dict[str, EthnicGroup | None]] = {
    code.code: EthnicGroup(code.group) if code.group else None for code in (*CENSUS.codes, *POLICE.codes)
} | {group.value: group for group in EthnicGroup}


def ethnic_group(code: str) -> EthnicGroup | None:
    """Return the group of an agency's code; None when it says "not stated" or is not a code at all."""
    return TO_GROUP.get(code.strip(" ").upper())


def known_code(code: str) -> bool:
    """Say whether this is a code (or group) that ``ethnic_group`` understands, "not stated" included."""
    return code.strip(" ").upper() in TO_GROUP


def ethnic_group_sql(expression: str) -> str:
    """Return the DuckDB expression that equals :func:`ethnic_group`; null where that is None."""
    cases = " ".join(f"WHEN '{code}' THEN '{group}'" for code, group in TO_GROUP.items() if group)
    return f"(CASE upper(trim({expression}, ' ')) {cases} END)"


def known_code_sql(expression: str) -> str:
    """Return the DuckDB expression that equals :func:`known_code`; null for null."""
    listed = ", ".join(f"'{code}'" for code in TO_GROUP)
    return f"(upper(trim({expression}, ' ')) IN ({listed}))"
