"""Lists filtered by the policies themselves: which rows of a table somebody may have.

The engine evaluates the policies as far as they go without knowing the row; what is left over becomes a SQL
condition with bound parameters. A left-over that this module does not know raises an error, so that a new
kind of policy can hide rows or stop a list, and never open one. A property test holds the rows that a
condition lets through equal to those that :func:`decide` allows one by one.

Cedar's partial evaluation is experimental upstream, and its answer never a decision: opening a row asks
:func:`decide` again.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cedarpy

from families_first.errors import FamiliesFirstError
from families_first.governance.policy.cedar_form import cedar_schema, context_json, person_entity
from families_first.governance.policy.engine import shipped_policies
from families_first.governance.policy.faults import faults_of_request
from families_first.governance.policy.request import Context, Principal
from families_first.governance.policy.schema import ATTRIBUTES, enumerations
from families_first.governance.vocabulary import vocabulary

ID = "id"
_PERSON_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class UnknownResidualError(FamiliesFirstError):
    """The policies left something over that this module cannot say in SQL; nothing may be listed."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition for a WHERE clause: ``sql`` with a ``?`` for each of ``parameters``, for DuckDB."""

    sql: str
    parameters: tuple[str | bool, ...] = ()


NOTHING = Where("FALSE")


def rows_allowed(principal: Principal, action: str, context: Context, columns: Mapping[str, str]) -> Where:
    """Return the condition that lets through the rows on which somebody may do something.

    Parameters
    ----------
    columns
        The table's column for the thing's ``id``, and for each attribute of its kind.

    Raises
    ------
    UnknownResidualError
        When the policies' left-over has a form that is not known here, or a column is not named.
    """
    if faults_of_request(principal, action, context) or not _PERSON_ID.fullmatch(principal.id):
        return NOTHING
    kind = vocabulary().actions[action].resource
    if columns.keys() != {ID, *ATTRIBUTES.get(kind, {})}:
        raise UnknownResidualError("a column is needed for the id and for each attribute, and no others")
    try:
        person = person_entity(principal)
    except (TypeError, ValueError):  # a caseload that is not made of ids
        return NOTHING
    answer = cedarpy.is_authorized_partial(
        {
            "principal": f'Person::"{principal.id}"',
            "action": f'Action::"{action}"',
            "context": context_json(context),
        },
        shipped_policies().slice(action, principal.roles),
        person,
        cedar_schema(),
    )
    if answer.diagnostics.errors or answer.decision is cedarpy.Decision.Deny:
        return NOTHING
    return _Writer(kind, columns).condition(answer.residuals)


class _Writer:
    """Writes what the policies left over as SQL, collecting parameters in the order of their marks."""

    def __init__(self, kind: str, columns: Mapping[str, str]) -> None:
        self._kind = kind
        self._columns = {name: '"' + column.replace('"', '""') + '"' for name, column in columns.items()}
        self._parameters: list[str | bool] = []

    def condition(self, residuals: Mapping[str, Any]) -> Where:
        permits = [each for each in residuals.values() if each["effect"] == "permit"]
        forbids = [each for each in residuals.values() if each["effect"] == "forbid"]
        if len(permits) + len(forbids) < len(residuals):
            raise UnknownResidualError("an effect that is neither permit nor forbid")
        allowed = " OR ".join(self._policy(each) for each in permits) or "FALSE"
        refused = " OR ".join(self._policy(each) for each in forbids) or "FALSE"
        whole = " AND ".join(self._whole())
        return Where(f"({allowed}) AND NOT ({refused}) AND {whole}", tuple(self._parameters))

    def _whole(self) -> list[str]:
        """Rows that lack an attribute, or hold a word that is none, are refused as :func:`decide` refuses
        them.
        """
        parts = [f"{self._columns[ID]} IS NOT NULL"]
        for name, type_ in ATTRIBUTES.get(self._kind, {}).items():
            words = enumerations().get(type_)
            column = self._columns[name]
            parts.append(f"{column} IS NOT NULL" if words is None else f"{column} IN ({self._marks(words)})")
        return parts

    def _policy(self, residual: Mapping[str, Any]) -> str:
        scopes = {residual[part]["op"] for part in ("principal", "action", "resource")}
        if scopes != {"All"}:
            raise UnknownResidualError("a scope that was not evaluated")
        parts = []
        for condition in residual["conditions"]:
            if condition["kind"] not in ("when", "unless"):
                raise UnknownResidualError("a condition that is neither when nor unless")
            said = self._truth(condition["body"])
            parts.append(said if condition["kind"] == "when" else f"NOT {said}")
        return f"({' AND '.join(parts) or 'TRUE'})"

    def _truth(self, node: Mapping[str, Any]) -> str:
        match node:
            case {"Value": bool(value)}:
                said = "TRUE" if value else "FALSE"
            case {"&&": {"left": left, "right": right}}:
                said = f"({self._truth(left)} AND {self._truth(right)})"
            case {"||": {"left": left, "right": right}}:
                said = f"({self._truth(left)} OR {self._truth(right)})"
            case {"!": {"arg": arg}}:
                said = f"(NOT {self._truth(arg)})"
            case {"==": {"left": left, "right": right}}:
                said = f"({self._value(left)} = {self._value(right)})"
            case {"!=": {"left": left, "right": right}}:
                said = f"({self._value(left)} <> {self._value(right)})"
            case {"contains": {"left": left, "right": right}}:
                words, thing = _members(left), self._value(right)
                said = f"({thing} IN ({self._marks(words)}))" if words else "FALSE"
            case {"is": {"left": {"unknown": [{"Value": "resource"}]}, "entity_type": str(kind)}}:
                said = "TRUE" if kind == self._kind else "FALSE"
            case {".": _}:
                said = self._value(node)
            case _:
                raise UnknownResidualError(f"a condition of the form {', '.join(map(str, node))}")
        return said

    def _value(self, node: Mapping[str, Any]) -> str:
        match node:
            case {"unknown": [{"Value": "resource"}]}:
                return self._columns[ID]
            case {".": {"left": {"unknown": [{"Value": "resource"}]}, "attr": str(name)}}:
                if name not in self._columns:
                    raise UnknownResidualError("an attribute that its kind does not have")
                return self._columns[name]
            case {"Value": {"__entity": {"id": str(word)}}}:
                return self._marks((word,))
        raise UnknownResidualError(f"a value of the form {', '.join(map(str, node))}")

    def _marks(self, words: tuple[str, ...]) -> str:
        self._parameters.extend(words)
        return ", ".join("?" for _ in words)


def _members(node: Mapping[str, Any]) -> tuple[str, ...]:
    match node:
        case {"Set": list(members)}:
            return tuple(_word(each) for each in members)
        case {"Value": list(members)}:
            return tuple(_word({"Value": each}) for each in members)
    raise UnknownResidualError("a list that was not evaluated")


def _word(node: Mapping[str, Any]) -> str:
    match node:
        case {"Value": {"__entity": {"id": str(word)}}}:
            return word
    raise UnknownResidualError("a member of a list that was not evaluated")
