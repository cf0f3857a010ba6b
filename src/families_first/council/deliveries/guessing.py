"""What a column seems to hold, from its name and a sample of its values; a person has the last word."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from families_first.council.deliveries.column_types import ColumnType
from families_first.records.codesets.ethnicity import CENSUS, LABELS, POLICE, known_code
from families_first.records.dates import formats_that_fit
from families_first.records.identifiers import RULES, IdentifierKind
from families_first.records.placeholders import is_placeholder

_ENOUGH = 0.85  # share of a sample's values that must be valid for a type to be believed
_SEX = {"m": "M", "male": "M", "1": "M", "f": "F", "female": "F", "2": "F"}
_SEX |= {"x": "X", "u": "", "unknown": "", "9": "", "0": "", "indeterminate": "X", "n": ""}
_RELATIONSHIPS = {
    "mother": "parent_of",
    "father": "parent_of",
    "mum": "parent_of",
    "dad": "parent_of",
    "parent": "parent_of",
    "step-parent": "step_parent_of",
    "step parent": "step_parent_of",
    "stepmother": "step_parent_of",
    "stepfather": "step_parent_of",
    "carer": "carer_of",
    "guardian": "carer_of",
    "grandparent": "carer_of",
    "grandmother": "carer_of",
    "grandfather": "carer_of",
    "foster carer": "foster_carer_of",
    "partner": "partner_of",
    "spouse": "partner_of",
    "sibling": "sibling_of",
    "brother": "sibling_of",
    "sister": "sibling_of",
    "other": "",
    "unknown": "",
    "not known": "",
    "friend": "",
    "neighbour": "",
}
# Agencies that send words and no codes; "Any other ... background" is told by its code's meaning.
_ETHNICITY = {
    **{label.lower(): group.value for group, label in LABELS.items()},
    **{code.meaning.lower(): code.group or "" for code in (*POLICE.codes, *CENSUS.codes)},
}
_YES_NO = frozenset({"y", "n", "yes", "no", "true", "false"})

# A pattern over the name in small letters without punctuation, and the canonical field that it names.
# The first that is found wins.
_NAMES: tuple[tuple[str, str], ...] = (
    (r"\b(upn|unique pupil)\b", "upn"),
    (r"\b(nhs)\b", "nhs_number"),
    (r"\b(nino|ni number|ni no|national insurance.*)\b", "nino"),
    (r"\b(uln|unique learner.*)\b", "uln"),
    (r"\b(pnc|pncid)\b", "pnc"),
    (r"\b(uprn)\b", "uprn"),
    (r"\b(post ?code)\b", "postcode"),
    (r"\b(death|deceased|died)\b", "date_of_death"),
    (r"\b(dob|do b|d o b|date of birth|birth ?date|born|personbirthdate)\b", "date_of_birth"),
    (r"\b(middle)\b", "middle_names"),
    (r"\b(fore ?names?|first ?names?|given ?names?|christian name)\b", "forename"),
    (r"\b(sur ?name|last ?name|family name)\b", "surname"),
    (r"^(.* )?(full name|name)$", "full_name"),
    (r"\b(sex|gender)\b", "sex"),
    (r"\b(ethnic.*)\b", "ethnicity"),
    (r"\b(house (number|no|name)|door)\b", "house_number"),
    (r"\b(address( line)?( 1)?|addr1?|street)$", "address_line_1"),
    (r"\b(locality|town|city|village|address( line)? [23])\b", "locality"),
    (r"\b(household|family|account)( (ref.*|id|no|number))\b", "household_ref"),
    (r"\b(relation.*)\b", "relationship"),
)
_REFERENCE = re.compile(r"\b(id|ref|reference|number|no|urn|identifier)$|id$")
_SENDER = re.compile(r"\b(school|academy|laestab|estab|establishment|provider|team|district|trust|surgery)\b")
_PERSON_REFERENCE = re.compile(
    r"\b(person|client|pupil|child|customer|patient|claimant|subject|case|service user)\b"
)


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column seems to hold.

    ``names``: the canonical field it seems to be, or ``relationship``, ``full_name`` or ``""``;
    ``other_formats``: date formats that fit the sample as well; ``filled``: the share of the sample that has
    a value; ``distinct``: the share of the filled that are distinct; ``person``: the words before the field
    that say whose it is ("contact 1").
    """

    column: str
    type: ColumnType
    names: str = ""
    formats: tuple[str, ...] = ()
    other_formats: tuple[str, ...] = ()
    codes: dict[str, str] = field(default_factory=dict)
    filled: float = 0.0
    distinct: float = 0.0
    same_throughout: bool = False
    person: str = ""
    doubt: str = ""

    @property
    def unused(self) -> bool:
        """Whether nothing is known that the column could be taken for."""
        return self.type is ColumnType.TEXT and not self.names and not self.could_refer

    @property
    def tells_the_sender(self) -> bool:
        """Whether it seems to say which of several senders the file is from: the same in every row."""
        return self.same_throughout and _SENDER.search(_words(self.column)) is not None

    @property
    def could_refer(self) -> bool:
        """Whether the column could be the sender's reference for a person."""
        named = _words(self.column)
        return self.type is ColumnType.TEXT and not self.names and _REFERENCE.search(named) is not None

    @property
    def refers_to_person(self) -> bool:
        """Whether its name says that it is a reference for a person rather than for something that
        happened."""
        return self.could_refer and _PERSON_REFERENCE.search(_words(self.column)) is not None


def guess_column(column: str, sample: Sequence[str]) -> Guess:
    """Guess what a column holds.

    Parameters
    ----------
    sample
        Some of its values as they stand in the file, blanks included.
    """
    values = [value.strip() for value in sample if value.strip()]
    named, person = _field_named(column)
    filled = len(values) / max(len(sample), 1)
    distinct = len(set(values)) / max(len(values), 1)
    base = Guess(
        column,
        ColumnType.TEXT,
        filled=filled,
        distinct=distinct,
        same_throughout=len(values) == len(sample) > 1 and len(set(values)) == 1,
        person=person,
    )
    return _by_name(named, values, base) or _by_content(values, base)


def _by_name(named: str, values: list[str], base: Guess) -> Guess | None:  # noqa: PLR0911
    if named in set(IdentifierKind):
        kind = IdentifierKind(named)
        share = _share_valid(kind, values)
        doubt = f"only {share:.0%} of a sample are valid" if values and share < _ENOUGH else ""
        return replace(base, type=ColumnType(named), names=named, doubt=doubt)
    if named in ("date_of_birth", "date_of_death"):
        return _date(named, values, base)
    if named in ("forename", "surname", "middle_names"):
        return replace(base, type=ColumnType.NAME, names=named)
    if named == "full_name":
        return replace(base, type=ColumnType.FULL_NAME, names=named)
    if named == "sex":
        return _code(named, values, _SEX, base)
    if named == "relationship":
        return _code(named, values, _RELATIONSHIPS, base)
    if named == "ethnicity" and values:
        if sum(map(known_code, values)) >= _ENOUGH * len(values):
            return replace(base, type=ColumnType.ETHNICITY, names=named)
        if sum(value.lower() in _ETHNICITY for value in values) >= len(values) / 2:
            return _code(named, values, _ETHNICITY, base)
    if named and named != "ethnicity":
        return replace(base, type=ColumnType.TEXT, names=named)
    return None


def _by_content(values: list[str], base: Guess) -> Guess:  # noqa: PLR0911 - one return a kind
    if not values:
        return base
    # Dates first: eight or ten figures could pass for a number, and a date is never a valid identifier.
    formats = formats_that_fit(_days(values[:500]))
    if formats and not all(value.isdigit() for value in values):
        return _date("", values, base)
    for kind in IdentifierKind:
        # Ten figures are a valid learner number one time in eleven by chance; a whole sample is not.
        if len(set(values)) > 4 and _share_valid(kind, values) >= _ENOUGH:
            return replace(base, type=ColumnType(kind.value), doubt="by its values")
    known = sum(value.lower() in _RELATIONSHIPS for value in values)
    if base.person and known >= _ENOUGH * len(values):
        return _code("relationship", values, _RELATIONSHIPS, base)
    if {value.lower() for value in values} <= _YES_NO:
        return replace(base, type=ColumnType.YES_NO)
    if any(sign in "".join(values) for sign in "£.,") and all(_AMOUNT.fullmatch(value) for value in values):
        return replace(base, type=ColumnType.DECIMAL)
    is_count = all(value.isascii() and value.isdigit() and len(value) <= 6 for value in values)
    if is_count and not base.could_refer and all(value == str(int(value)) for value in values):
        return replace(base, type=ColumnType.COUNT)
    return base


def _date(named: str, values: list[str], base: Guess) -> Guess:
    fitting = tuple(formats_that_fit(_days(values[:500])))
    if not fitting:
        # A few bad dates must not hide the format of the rest.
        counted = [
            (sum(bool(formats_that_fit([value], [each])) for value in _days(values[:200])), each)
            for each in _USUAL
        ]
        best, fmt = max(counted, key=lambda pair: pair[0])
        fitting = (fmt,) if best >= _ENOUGH * min(len(values), 200) and values else ()
    seconds = _TIME.search(values[0]) if values else None
    if fitting and seconds:
        time = " %H:%M:%S" if seconds.group(1) else " %H:%M"
        fitting = tuple(f"{each}{time}" for each in fitting)
    doubt = "" if fitting else "no usual date format fits a sample: set formats"
    return replace(
        base,
        type=ColumnType.DATE,
        names=named,
        formats=fitting[:1] or ("%d/%m/%Y",),
        other_formats=fitting[1:],
        doubt=doubt,
    )


def _days(values: Sequence[str]) -> list[str]:
    return [_TIME.sub("", value) for value in values]


_TIME = re.compile(r"[ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$")
_AMOUNT = re.compile(r"-?£?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?")
_USUAL = ("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%Y%m%d", "%m/%d/%Y")


def _code(named: str, values: list[str], meanings: dict[str, str], base: Guess) -> Guess:
    seen = sorted(set(values))
    codes = {value: meanings[value.lower()] for value in seen if value.lower() in meanings}
    strange = len(seen) - len(codes)
    if not codes:
        return replace(base, type=ColumnType.TEXT, doubt=f"its codes are not known as {named}")
    doubt = f"{strange} other codes occur in a sample: add them" if strange else ""
    return replace(base, type=ColumnType.CODE, names=named, codes=codes, doubt=doubt)


def _share_valid(kind: IdentifierKind, values: list[str]) -> float:
    known = [value for value in values[:500] if not is_placeholder(kind, value)]
    return sum(RULES[kind].is_valid(value) for value in known) / len(known) if known else 0.0


def _field_named(column: str) -> tuple[str, str]:
    """Return the canonical field that a name says, and the words in it that say whose it is."""
    words = _words(column)
    owner = _OTHER_PERSON.match(words)
    named = next((field_name for pattern, field_name in _NAMES if re.search(pattern, words)), "")
    return named, owner.group(0) if owner else ""


_OTHER_PERSON = re.compile(
    r"^(contact|parent|carer|guardian|mother|father|partner|adult|spouse|victim|perpetrator|sibling)"
    r"( [0-9]+)?\b"
)


def _words(column: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)
    return re.sub(r"[^a-z0-9]+", " ", spaced.lower()).strip()
