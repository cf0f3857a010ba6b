"""A hostile policy that permits everything to everybody: the forbidding policies alone hold every promise."""

import pytest

from families_first.governance.policy.engine import PolicySet, shipped_policies, shipped_text
from families_first.governance.policy.enumeration import HOSTILE, count, enumerate_requests, hostile_policies
from families_first.governance.policy.promises import PROMISES, promises_broken


def test_beside_a_hostile_permit_no_request_that_breaks_a_promise_is_let_through() -> None:
    found = count(hostile_policies())
    assert found.asked > 100_000
    assert found.allowed > 1_000  # the hostile permit does permit what no promise forbids
    assert found.breaking == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_beside_a_hostile_permit_the_whole_space_holds_too() -> None:
    assert count(hostile_policies(), whole=True).breaking == 0


def test_without_the_forbids_a_hostile_permit_would_break_every_promise() -> None:
    """The judge can tell: it is not blind."""
    broken: set[str] = set()
    for asked, decision in enumerate_requests(PolicySet.parse(HOSTILE)):
        assert decision.allowed
        broken |= set(promises_broken(asked))
        if broken == set(PROMISES):
            return
    pytest.fail("no request breaks these promises")


def test_each_promise_is_kept_by_a_forbid_that_quotes_it() -> None:
    quoted = {
        each.annotations.get("promise")
        for each in shipped_policies().policies.values()
        if each.effect == "forbid"
    }
    assert quoted == set(PROMISES)


def test_a_policy_slipped_in_changes_the_hash() -> None:
    assert PolicySet.parse(f"{shipped_text()}\n{HOSTILE}").hash != shipped_policies().hash
