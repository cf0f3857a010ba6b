"""Mutants: the policies with one of them broken, each of which the enumeration must notice.

A mutant is a policy dropped, an action fewer in its list, or, of a forbidding policy, one condition or word
taken away or turned round. It is killed by a request to which it gives another answer than the shipped
policies, or that it lets break a promise beside a hostile policy that permits everything. One that lives is
a rule that nothing would miss, or a proof with a hole.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

import cedarpy
from cedarpy import pst
from cedarpy.pst import BinaryOp, Expr, Template, UnaryOp

from families_first.governance.policy.engine import PolicySet, shipped_policies
from families_first.governance.policy.enumeration import HOSTILE, enumerate_requests
from families_first.governance.policy.promises import Request, promises_broken
from families_first.governance.policy.request import Decision


@dataclass(frozen=True, slots=True)
class Mutant:
    """A policy (``name`` is the engine's, ``policy`` its id) and how it was broken; ``broken`` is None if
    dropped.
    """

    name: str
    policy: str
    mutation: str
    broken: Template | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A mutant and the first request that killed it; ``how`` says what gave it away, and is empty if it
    lives.
    """

    mutant: Mutant
    killer: Request | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the shipped policies answer to every request of the quick space.

    ``allowed`` and ``refused`` hold the requests that one policy decided alone, by its id; ``all_allowed``
    is every request that was allowed.
    """

    allowed: Mapping[str, list[Request]]
    refused: Mapping[str, list[Request]]
    all_allowed: list[Request]


@cache
def everything_asked() -> tuple[tuple[Request, Decision], ...]:
    """Ask the shipped policies every request of the quick space, once."""
    return tuple(enumerate_requests(shipped_policies()))


@cache
def answers() -> Answers:
    """Return the answers to every request of the quick space, sorted by the policy that gave them."""
    found = Answers(defaultdict(list), defaultdict(list), [])
    for asked, decision in everything_asked():
        if decision.allowed:
            found.all_allowed.append(asked)
        if len(decision.policies) == 1:
            (found.allowed if decision.allowed else found.refused)[decision.policies[0]].append(asked)
    return found


def roll_call() -> list[Verdict]:
    """Return the verdict on every mutant."""
    return [judge(mutant) for mutant in mutants()]


def mutants() -> Iterator[Mutant]:
    """Yield every mutant of every shipped policy."""
    for name, policy in shipped_policies().policies.items():
        for mutation, broken in _mutations(policy):
            yield Mutant(name, policy.annotations["id"], mutation, broken)


def judge(mutant: Mutant) -> Verdict:
    """Return what gives a mutant away."""
    others = {name: each for name, each in shipped_policies().policies.items() if name != mutant.name}
    policies = others if mutant.broken is None else {**others, mutant.name: mutant.broken}
    broken = PolicySet(policies)
    original = shipped_policies().policies[mutant.name]
    if original.effect == "permit":
        missed = (
            asked for asked, found in _ask(broken, answers().allowed[mutant.policy]) if not found.allowed
        )
        killer = next(missed, None)
        return Verdict(mutant, killer, "no longer permitted" if killer else "")
    beside_hostile = PolicySet({**policies, "hostile": _hostile()})
    for asked, decision in _ask(beside_hostile, answers().refused[mutant.policy]):
        if not decision.allowed:
            continue
        if broken.decide(asked.principal, asked.action, asked.resource, asked.context).allowed:
            return Verdict(mutant, asked, "permitted")
        if promises_broken(asked):
            return Verdict(mutant, asked, "permitted beside a hostile policy, and breaks a promise")
    for asked, decision in _ask(broken, answers().all_allowed):
        if not decision.allowed:
            return Verdict(mutant, asked, "no longer permitted")
    return Verdict(mutant)


def _ask(policies: PolicySet, asked: list[Request]) -> Iterator[tuple[Request, Decision]]:
    """Yield each request with its answer; requests of one person for one action, which stand together, at
    once.
    """
    for (person, action), group in groupby(asked, key=lambda each: (each.principal, each.action)):
        together = list(group)
        answers = policies.decide_all(person, action, [(each.resource, each.context) for each in together])
        yield from zip(together, answers, strict=True)


@cache
def _hostile() -> Template:
    [policy] = cedarpy.policies_to_pst(HOSTILE).static_policies.values()
    return replace(policy, id="hostile")


def _mutations(policy: Template) -> Iterator[tuple[str, Template | None]]:
    yield "dropped", None
    if isinstance(policy.action, pst.ActionIn):
        for action in policy.action.entities:
            rest = tuple(each for each in policy.action.entities if each != action)
            yield f"without the action {action.id}", replace(policy, action=pst.ActionIn(rest))
    if policy.effect == "permit":
        return
    number = 0
    for place, clause in enumerate(policy.clauses):
        word = type(clause).__name__.lower()
        for said, expr in _weakened(clause.expr):
            number += 1
            clauses = list(policy.clauses)
            clauses[place] = replace(clause, expr=expr)
            yield f"{word}, {number}: {said}", replace(policy, clauses=tuple(clauses))


def _weakened(node: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield an expression with one part taken away or turned round."""
    match node:
        case BinaryOp(("and" | "or") as op, left, right):
            yield f"right side of {op} taken away", left
            yield f"left side of {op} taken away", right
            for said, each in _weakened(left):
                yield said, BinaryOp(op, each, right)
            for said, each in _weakened(right):
                yield said, BinaryOp(op, left, each)
        case BinaryOp(op, left, right) if isinstance(left, pst.Set) or isinstance(right, pst.Set):
            yield "turned round", UnaryOp("not", node)
            for said, shorter in _shortened(left):
                yield said, BinaryOp(op, shorter, right)
            for said, shorter in _shortened(right):
                yield said, BinaryOp(op, left, shorter)
        case UnaryOp("not", arg):
            yield "turned round", arg
        case _:
            yield "turned round", UnaryOp("not", node)


def _shortened(node: Expr) -> Iterable[tuple[str, Expr]]:
    if not isinstance(node, pst.Set) or len(node.elements) < 2:
        return
    for element in node.elements:
        word = element.value.id if isinstance(element, pst.EntityLit) else "one"
        yield f"without the word {word}", pst.Set(tuple(each for each in node.elements if each != element))
