"""Legal gateways: the powers under which organisations may share records for the programme.

Engineering notes, not legal advice: an agreement names the gateway that its parties' lawyers chose, and the
system holds the parties to what that gateway allows.

Sources: Digital Economy Act 2017 ss.35, 41, 64 with SI 2018/912; Social Security (Information-sharing in
relation to Welfare Services etc.) Regulations 2012 (SI 2012/1483) reg. 5(1)(d) with Welfare Reform Act 2012
ss.131-132; Crime and Disorder Act 1998 s.115; Children Act 1989 ss.17, 47; Children Act 2004 ss.10-11;
Children's Wellbeing and Schools Act 2026 s.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from families_first.governance.purposes import AGREED_PURPOSES, Purpose


@dataclass(frozen=True, slots=True)
class LegalGateway:
    """A power to share: where it stands in law, the purposes it can carry, and what binds the receiver."""

    tag: str
    provision: str
    purposes: frozenset[Purpose]
    binds: str


_SUPPORT = frozenset({Purpose.IDENTIFY_AND_SUPPORT})
_RESEARCH = frozenset({Purpose.RESEARCH})
_ANY = AGREED_PURPOSES

OTHER = "other"

GATEWAYS: Mapping[str, LegalGateway] = MappingProxyType(
    {
        gateway.tag: gateway
        for gateway in (
            LegalGateway(
                "DEA35",
                "Digital Economy Act 2017, section 35; SI 2018/912, multiple disadvantages objective",
                _SUPPORT,
                "Only for people or households with two or more of the thirteen disadvantages; "
                "passing the records on unlawfully is an offence (section 41).",
            ),
            LegalGateway(
                "DWP-5-1-d",
                "SI 2012/1483, regulation 5(1)(d), under the Welfare Reform Act 2012, section 131",
                _ANY,
                "Only to identify eligible households, to support them, and to monitor and evaluate the "
                "programme; disclosing the records otherwise is an offence.",
            ),
            LegalGateway(
                "CDA115",
                "Crime and Disorder Act 1998, section 115",
                _ANY,
                "A power and not a duty: only where sharing is necessary or expedient "
                "for the purposes of that Act.",
            ),
            LegalGateway(
                "CA1989",
                "Children Act 1989, sections 17 and 47",
                _SUPPORT,
                "To safeguard and promote the welfare of children in need, "
                "and to enquire into significant harm.",
            ),
            LegalGateway(
                "CA2004",
                "Children Act 2004, sections 10 and 11",
                _SUPPORT,
                "To co-operate to improve the well-being of children, and to safeguard their welfare.",
            ),
            LegalGateway(
                "CWSA2026",
                "Children's Wellbeing and Schools Act 2026, section 4",
                _SUPPORT,
                "Unless sharing would be more detrimental to the child than not sharing.",
            ),
            LegalGateway(
                "DEA64",
                "Digital Economy Act 2017, section 64",
                _RESEARCH,
                "De-identified before disclosure; accredited research, processors and researchers only.",
            ),
            LegalGateway(OTHER, "as the agreement says", _ANY, "As the agreement says."),
        )
    }
)
