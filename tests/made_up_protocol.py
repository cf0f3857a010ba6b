"""A made-up protocol for tests: short, whole and without a fault."""

PROTOCOL = """\
id = "families-first-2026"
title = "Does the programme help families?"
version = 1
project = "families-first-2026"
question = "Did taking part change how many children are looked after, and how many people are convicted?"
made_up = true

[population]
describes = "Members of families that were assessed for the programme"
min_families = 10

[comparison]
describes = "families assessed and not (yet) on the programme"
status = "assessed-only"

[exposure]
describes = "a keyworker for the whole family"
status = "participating"
time_zero = "assessed_on"

[follow_up]
quarters = 8
history = 8
records_from = 2020-01-01
records_until = 2025-06-30

[design]
estimand = "The average effect on those who took part"
assignment = "Families took part as places came free; who needed help most was taken first"
assumptions = ["What led families to take part is among the covariates", "One family's part changes no other"]

[windows.months-1-24]
quarters = [1, 8]
label = "within 24 months"

[windows.months-19-24]
quarters = [7, 8]
label = "19 to 24 months after joining"

[[outcomes]]
id = "looked-after"
label = "Children looked after"
primary = true
better = "lower"
who = "child"
owner = "education"
table = "episode"
kind = "looked_after"
measure = "any"
windows = ["months-19-24", "months-1-24"]
did = true
unit_cost = { pounds = 60000, low = 40000, high = 80000, source = "made up" }

[[outcomes]]
id = "convictions"
label = "Convictions"
better = "lower"
owner = "justice"
table = "event"
kind = "offence_proven"
measure = "count"
windows = ["months-1-24"]

[[outcomes]]
id = "absence"
label = "Absence from school"
better = "lower"
who = "child"
owner = "education"
table = "measure"
kind = "absence"
measure = "share"
windows = ["months-1-24"]

[[covariates]]
id = "convictions-before"
owner = "justice"
table = "event"
kind = "offence_proven"
measure = "count"
quarters = [-8, -1]

[[covariates]]
id = "looked-after-before"
owner = "education"
table = "episode"
kind = "looked_after"
measure = "days"
quarters = [-8, -5]

[[covariates]]
id = "needs"
field = "needs"

[[covariates]]
id = "age"
field = "age_band"

[method]
primary = "doubly-robust"
others = ["matching", "entropy-balancing"]
exact = ["role"]
difference_in_differences = true

[[subgroups]]
id = "by-age"
field = "age_band"

[[minimum_detectable_effect.rates]]
outcome = "looked-after"
rate = 0.025
source = "Ministry of Housing, Communities and Local Government, 19 March 2019"

[[placebo]]
outcome = "looked-after"
quarters = [-4, -1]
label = "in the year before anybody joined"

[money]
cost_per_family = { pounds = 4000, low = 3000, high = 5000, source = "made up" }

[regions]
"Upland" = ["North"]
"Lowland" = ["South"]

[disclosure]
k = 3
suppress_at_most = 0.4
"""


def changed(old: str, new: str, text: str = PROTOCOL) -> str:
    """Return the protocol with one passage replaced, which must be there once."""
    assert text.count(old) == 1, f"{text.count(old)} times: {old}"
    return text.replace(old, new)
