"""Families: who lives with whom and is tied to whom, with dates, a reason in words and the record each
rests on.

Relationship (who is whose parent) is kept apart from co-residence (who shares a home), and a family is
where the two meet round a dependent child.
"""
