"""The access policy: who may do what, to what, for which purpose, in which circumstances.

Cedar policies beside this module hold the rules; a forbidding rule that keeps a promise of the public notice
quotes it. :func:`decide` answers; there is no default but refusal.
"""

from families_first.governance.policy.engine import decide, policy_hash
from families_first.governance.policy.explaining import explain
from families_first.governance.policy.request import Attribute, Context, Decision, Principal, Resource

__all__ = ["Attribute", "Context", "Decision", "Principal", "Resource", "decide", "explain", "policy_hash"]
