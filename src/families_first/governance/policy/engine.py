"""The access policy's engine: Cedar behind two calls, with no default.

Cedar without a schema lets a request through when a forbidding rule fails to evaluate, so the schema goes
with every question here, and an error of any kind is a refusal. Nothing else in the house calls Cedar.

Source: Cedar policy language 4 (https://docs.cedarpolicy.com), through the package ``cedarpy``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Self

import cedarpy
from cedarpy import pst
from cedarpy.pst import FrozenMap, Template

from families_first.governance.policy.cedar_form import cedar_schema, context_json, entities
from families_first.governance.policy.faults import faults_of
from families_first.governance.policy.request import Context, Decision, Principal, Resource
from families_first.governance.policy.schema import policy_file, schema_text
from families_first.governance.vocabulary import vocabulary


class PolicySet:
    """Policies, ready to answer.

    Parameters
    ----------
    policies
        Policies that fit the schema, by the engine's names for them, each with an ``@id`` of its own.
    """

    def __init__(self, policies: Mapping[str, Template]) -> None:
        ids = [policy.annotations.get("id", "") for policy in policies.values()]
        if not all(ids) or len(set(ids)) < len(ids):
            raise ValueError("every policy has an id of its own")
        self.policies = dict(policies)
        self._order = {name: place for place, name in enumerate(self.policies)}
        text = str(_handle(self.policies))
        self.hash = hashlib.sha256(f"{schema_text()}\n{text}".encode()).hexdigest()
        # The same policies give the same answer in words; putting it together cost a tenth of a decision. The
        # engine names them in any order, so that a key with an order would be kept for each.
        self._told: dict[tuple[bool, frozenset[str]], Decision] = {}
        self._slices: dict[tuple[str, frozenset[str]], cedarpy.PolicySet] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the policies of a text in Cedar's syntax.

        Raises
        ------
        ValueError
            When the policies do not fit the schema, or one has no id or shares it.
        """
        checked = cedarpy.validate_policies(text, schema_text())
        if not checked.validation_passed:
            raise ValueError("; ".join(str(error) for error in checked.errors))
        return cls(cedarpy.policies_to_pst(text).static_policies)

    def slice(self, action: str, roles: frozenset[str]) -> cedarpy.PolicySet:
        """Return the policies whose scope can hold for an action done by somebody with these roles.

        A policy whose scope does not hold is neither satisfied nor in error, so leaving it out changes no
        answer, and neither does naming the one action where a policy lists several; a test holds it to that.
        Asking fewer policies, and none of them to go through a list, is what makes an answer quick.
        """
        key = (action, roles)
        if key not in self._slices:
            kind = vocabulary().actions[action].resource
            kept = {
                name: _narrowed(each, action)
                for name, each in self.policies.items()
                if may_hold(each, action, kind, roles)
            }
            self._slices[key] = _handle(kept)
        return self._slices[key]

    def decide(self, principal: Principal, action: str, resource: Resource, context: Context) -> Decision:
        """Return the answer of these policies; see :func:`decide`."""
        faults = faults_of(principal, action, resource, context)
        if faults:
            return self._refusal(faults)
        return self.decide_all(principal, action, [(resource, context)])[0]

    def decide_all(
        self, principal: Principal, action: str, asked: Sequence[tuple[Resource, Context]]
    ) -> list[Decision]:
        """Return the answers to one person's requests without faults for one action; ids name one thing
        each.
        """
        person = {"type": "Person", "id": principal.id}
        act = {"type": "Action", "id": action}
        try:
            answers = cedarpy.is_authorized_batch(
                [
                    {
                        "principal": person,
                        "action": act,
                        "resource": {"type": resource.kind, "id": resource.id},
                        "context": context_json(context),
                    }
                    for resource, context in asked
                ],
                self.slice(action, principal.roles),
                entities(principal, [resource for resource, _ in asked if resource.attributes]),
                cedar_schema(),
            )
        except Exception:  # whatever the engine trips over is a refusal; its text may quote a value
            return [self._refusal(("the policy engine could not read the request",))] * len(asked)
        return [self._decision(answer) for answer in answers]

    def _decision(self, answer: cedarpy.AuthzResult) -> Decision:
        diagnostics = answer.diagnostics
        if diagnostics.errors or answer.decision is cedarpy.Decision.NoDecision:
            return self._refusal(("a policy could not be evaluated",))
        key = (answer.allowed, frozenset(diagnostics.reasons))
        if key not in self._told:
            names = sorted(key[1], key=self._order.__getitem__)
            said = [self.policies[name].annotations for name in names]
            self._told[key] = Decision(
                allowed=answer.allowed,
                policies=tuple(each["id"] for each in said),
                promises=tuple(dict.fromkeys(each["promise"] for each in said if "promise" in each)),
                faults=(),
                policy_hash=self.hash,
            )
        return self._told[key]

    def _refusal(self, faults: tuple[str, ...]) -> Decision:
        return Decision(allowed=False, policies=(), promises=(), faults=faults, policy_hash=self.hash)


def decide(principal: Principal, action: str, resource: Resource, context: Context) -> Decision:
    """Return whether somebody may do something to something in these circumstances.

    Pure: nothing is read or logged. A bad request is a refusal with its fault, never an exception.
    """
    return shipped_policies().decide(principal, action, resource, context)


def policy_hash() -> str:
    """Return the SHA-256 (hexadecimal) of the schema and the policies in force."""
    return shipped_policies().hash


@cache
def shipped_policies() -> PolicySet:
    """Return the policies that the package ships."""
    return PolicySet.parse(shipped_text())


@cache
def shipped_text() -> str:
    """Return the text of every policy file, in the order of their names."""
    folder = files("families_first.governance.policy")
    names = sorted(each.name for each in folder.iterdir() if each.name.endswith(".cedar"))
    return "\n".join(policy_file(name) for name in names)


def _handle(policies: Mapping[str, Template]) -> cedarpy.PolicySet:
    return cedarpy.PolicySet.from_pst(pst.PolicySet(FrozenMap(), FrozenMap(policies), ()))


def _narrowed(policy: Template, action: str) -> Template:
    """Return a policy for one of its actions alone, where it lists several.

    Going through the list cost an eighth of a decision.
    """
    match policy.action:
        case pst.ActionIn(listed):
            [entity] = [each for each in listed if each.id == action]
            return replace(policy, action=pst.ActionEq(entity))
    return policy


def may_hold(policy: Template, action: str, kind: str, roles: frozenset[str]) -> bool:
    """Whether a policy's scope can hold for an action on a kind of thing by somebody with these roles."""
    match policy.action:
        case pst.ActionEq(entity):
            if entity.id != action:
                return False
        case pst.ActionIn(listed):
            if action not in {each.id for each in listed}:
                return False
    match policy.principal:
        case pst.ScopeIn(pst.EntityUid() as entity):
            if entity.id not in roles:
                return False
    match policy.resource:
        case pst.ScopeIs(entity_type):
            return str(entity_type) == kind
    return True
