"""From a pack's rules to DuckDB SQL.

Each rule becomes one SELECT over the prepared views of ``seen.py``; all give the same columns
(``HIT_COLUMNS``), so that findings and near-misses are one union. Values from rules are written as quoted
literals of a checked vocabulary; nothing from a record is ever part of the SQL text.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from families_first.council.identification.pack import Pack, PackRule
from families_first.council.identification.rule import (
    EventCount,
    LatestStatus,
    OpenEpisode,
    RatioOverTerms,
    Rule,
    SqlRule,
)
from families_first.council.identification.terms import (
    last_complete_term,
    look_back_starts_on,
)

HIT_COLUMNS = (
    "rule",
    "family_id",
    "person_id",
    "value",
    "threshold",
    "holds",
    "found_on",
    "expires_on",
    "confidence",
    "rows",
    "words",
)
"""What each rule gives. ``holds`` is false for a near-miss; ``rows`` lists numbers of ``seen_record``."""


def compile_rule(entry: PackRule, pack: Pack, on: date) -> str:
    """Return the SELECT of one rule for the day of identification."""
    rule = entry.rule
    match rule:
        case EventCount():
            return _event_count(rule, on)
        case OpenEpisode():
            return _open_episode(rule, on)
        case RatioOverTerms():
            return _ratio_over_terms(rule, pack.head.near_ratio, on)
        case LatestStatus():
            return _latest_status(rule, on)
        case SqlRule():
            return _sql(rule, on)


def earliest_day(rules: Iterable[PackRule], on: date) -> date:
    """Return the day before which no event can matter to any of the rules."""
    days = [on]
    for entry in rules:
        rule = entry.rule
        if isinstance(rule, EventCount | SqlRule) and rule.look_back_months:
            days.append(months_before(on, rule.look_back_months))
        elif isinstance(rule, EventCount) and rule.look_back_terms:
            days.append(look_back_starts_on(on, rule.look_back_terms))
    return min(days)


def months_before(day: date, months: int) -> date:
    """Return the same day so many months before, or the last day of that month where it has no such day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def _event_count(rule: EventCount, on: date) -> str:
    if rule.look_back_terms:
        start = look_back_starts_on(on, rule.look_back_terms)
        inside = f"occurred_on >= {_day(start)}"
        since = start
        lapses = f"make_date_of_term(term_of(nth_on) + {rule.look_back_terms + 1})"
    else:
        months = rule.look_back_months or 0
        start = months_before(on, months)
        inside = f"occurred_on > {_day(start)}"
        since = start + timedelta(days=1)
        lapses = f"CAST(nth_on + INTERVAL {months} MONTH AS DATE)"
    near = rule.at_least - 1 if rule.at_least > 1 else rule.at_least
    conditions = [_among("kind", rule.kinds), inside]
    if rule.roles:
        conditions.append(_among("role", rule.roles))
    if rule.details:
        conditions.append(_among("detail", rule.details))
    # The day of the last event that still carries the count: the threshold-th most recent, each event once.
    nth = "max(occurred_on)"
    if rule.at_least > 1:
        nth = f"""list_sort(list(DISTINCT {{d: occurred_on, e: event_key}}), 'DESC')
            [least({rule.at_least}, count(DISTINCT event_key))].d"""
    totals = f"""count(DISTINCT event_key) AS value, max(occurred_on) AS found_on, {nth} AS nth_on,
        min(confidence) AS confidence, list(row_number) AS rows"""
    words = (
        f"CAST(value AS VARCHAR) || CASE WHEN value = 1 THEN {_text(' ' + rule.one)} "
        f"ELSE {_text(' ' + rule.many)} END || {_text(' since ' + _said(since))}"
    )
    if rule.across == "family":
        elsewhere = "CASE WHEN bool_and(NOT resident) THEN min(person_id) END"
        inner = f"""SELECT family_id, {elsewhere} AS person_id, {totals}
            FROM (SELECT m.family_id, m.resident, e.*
                  FROM (FROM seen_event WHERE {" AND ".join(conditions)}) e
                  JOIN family_member m USING (person_id) WHERE {_who(rule)})
            GROUP BY family_id HAVING value >= {near}"""
        members = "hit"
    else:
        inner = f"""SELECT person_id, {totals} FROM seen_event WHERE {" AND ".join(conditions)}
            GROUP BY person_id HAVING value >= {near}"""
        members = f"hit JOIN family_member m USING (person_id) WHERE {_who(rule)}"
    return f"""WITH hit AS ({inner})
        SELECT {_text(rule.id)}, family_id, person_id, CAST(value AS DOUBLE), CAST({rule.at_least} AS DOUBLE),
            value >= {rule.at_least}, found_on, {lapses}, confidence, rows, {words}
        FROM {members}"""


def _open_episode(rule: OpenEpisode, on: date) -> str:
    back = months_before(on, rule.open_within_months) if rule.open_within_months else on
    # Open on the day includes an episode that ends on it; a look-back in months excludes its first day.
    closed_since = f"ended_on > {_day(back)}" if rule.open_within_months else f"ended_on >= {_day(on)}"
    conditions = [_among("kind", rule.kinds), f"(ended_on IS NULL OR {closed_since})"]
    if rule.details:
        conditions.append(_among("detail", rule.details))
    lasts = f"INTERVAL {rule.open_within_months} MONTH" if rule.open_within_months else "INTERVAL 1 DAY"
    lapses = f"CASE WHEN bool_and(ended_on IS NOT NULL) THEN CAST(max(ended_on) + {lasts} AS DATE) END"
    return f"""WITH hit AS (
            SELECT person_id, count(DISTINCT (source, episode_id)) AS value, max(started_on) AS found_on,
                {_capped(lapses, rule, "max(started_on)")} AS expires_on, min(confidence) AS confidence,
                list(row_number) AS rows
            FROM seen_episode WHERE {" AND ".join(conditions)} GROUP BY person_id)
        SELECT {_text(rule.id)}, family_id, person_id, CAST(value AS DOUBLE), CAST(1 AS DOUBLE), true,
        found_on,
            expires_on, confidence, rows, {_text(rule.state + ", since ")} || said(found_on)
        FROM hit JOIN family_member m USING (person_id) WHERE {_who(rule)}"""


def _ratio_over_terms(rule: RatioOverTerms, near_ratio: float, on: date) -> str:
    complete = last_complete_term(on)
    bound = f"CAST({rule.threshold!r} AS DOUBLE)"
    sign = ">=" if rule.at_least is not None else ">"
    # The smallest of the terms decides when each must pass; floating sums are compared to nine places.
    value = "min(ratio)" if rule.every_term else "sum(numerator) / sum(denominator)"
    words = (
        f"printf('%.1f%%', 100 * value) || {_text(f' {rule.noun} over the {rule.terms} terms to ')}"
        " || said(found_on)"
    )
    return f"""WITH term AS (
            SELECT person_id, term_of(period_start) AS term, sum(numerator) AS numerator,
                sum(denominator) AS denominator, sum(numerator) / sum(denominator) AS ratio,
                max(period_end) AS period_end, min(confidence) AS confidence,
                list(row_number) AS rows
            FROM seen_measure WHERE kind = {_text(rule.measure.value)} AND denominator > 0
                AND term_of(period_start) BETWEEN {complete - rule.terms} AND {complete}
            GROUP BY ALL),
        latest AS (SELECT person_id, max(term) AS last_term FROM term GROUP BY ALL),
        hit AS (
            SELECT person_id, round({value}, 9) AS value, max(period_end) AS found_on, max(last_term) AS
            last_term,
                min(confidence) AS confidence, flatten(list(rows)) AS rows
            FROM term JOIN latest USING (person_id) WHERE term > last_term - {rule.terms}
            GROUP BY person_id HAVING count(*) = {rule.terms} AND value {sign} {bound} - {near_ratio!r})
        SELECT {_text(rule.id)}, family_id, person_id, value, {bound}, value {sign} {bound}, found_on,
            make_date_of_term(last_term + 2), confidence, rows, {words}
        FROM hit JOIN family_member m USING (person_id) WHERE {_who(rule)}"""


def _latest_status(rule: LatestStatus, on: date) -> str:
    conditions = [_among("kind", rule.holds_when)]
    if rule.still_open:
        conditions.append(f"(ended_on IS NULL OR ended_on >= {_day(on)})")
    if rule.details:
        conditions.append(_among("detail", rule.details))
    lapses = _capped(
        "CAST(ended_on + INTERVAL 1 DAY AS DATE)" if rule.still_open else "NULL", rule, "started_on"
    )
    return f"""WITH latest AS (
            SELECT * FROM seen_episode WHERE {_among("kind", rule.among)}
            QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY started_on DESC,
                ended_on DESC NULLS FIRST, source, episode_id, kind) = 1)
        SELECT {_text(rule.id)}, family_id, person_id, CAST(1 AS DOUBLE), CAST(1 AS DOUBLE), true, started_on,
            {lapses}, confidence, [row_number],
            {_text(rule.state + ", since ")} || said(started_on)
        FROM latest JOIN family_member m USING (person_id) WHERE {" AND ".join(conditions)} AND
        {_who(rule)}"""


def _sql(rule: SqlRule, on: date) -> str:
    back = months_before(on, rule.look_back_months)
    return f"""WITH q AS (SELECT {", ".join(SqlRule.COLUMNS)} FROM ({rule.query})),
        hit AS (
            SELECT q.family_id, q.person_id, max(CAST(q.value AS DOUBLE)) AS value, max(found_on) AS found_on,
                min(s.confidence) AS confidence, list(DISTINCT s.row_number) AS rows
            FROM q JOIN seen_record s ON s.source = q.source AND s.record_id = q.record_id
                AND s.delivery_id = q.delivery_id AND s.line = q.line AND s.person_id = q.person_id
            WHERE found_on > {_day(back)} AND found_on <= {_day(on)} GROUP BY q.family_id, q.person_id)
        SELECT {_text(rule.id)}, family_id, person_id, value, CAST({rule.at_least!r} AS DOUBLE), true,
            found_on, CAST(found_on + INTERVAL {rule.look_back_months} MONTH AS DATE), confidence, rows,
            {_text(rule.state + ", on ")} || said(found_on)
        FROM hit JOIN family_member m USING (family_id, person_id)
        WHERE value >= {rule.at_least!r} AND {_who(rule)}"""


def _capped(lapses: str, rule: Rule, start: str) -> str:
    if rule.expires_after_months is None:
        return lapses
    return f"coalesce({lapses}, CAST({start} + INTERVAL {rule.expires_after_months} MONTH AS DATE))"


def _who(rule: Rule) -> str:
    conditions = {
        "child": ["m.dependent"],
        "adult": ["m.age >= 18", "NOT m.dependent"],
        "parent": ["m.parenting", "NOT m.dependent"],
        "any": ["true"],
    }[rule.who]
    if rule.age_from is not None:
        conditions.append(f"m.age >= {rule.age_from}")
    if rule.age_to is not None:
        conditions.append(f"m.age <= {rule.age_to}")
    return " AND ".join(conditions)


def _among(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(_text(str(value)) for value in values)})"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _day(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _said(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
