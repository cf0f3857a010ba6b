"""The protocol of the small study that checks attack: short, whole and without a fault."""

PROTOCOL = """\
id = "families-first-2026"
title = "Does the made-up programme help?"
version = 1
project = "families-first-2026"
question = "Did taking part change how many children are looked after, and how many people are convicted?"
made_up = true

[population]
describes = "Members of families that were assessed for the programme"
min_families = 10

[comparison]
describes = "families assessed and not on the programme"

[exposure]
describes = "a keyworker for the whole family"

[follow_up]
quarters = 8
history = 8
records_from = 2020-01-01
records_until = 2025-06-30

[design]
estimand = "The average effect on those who took part"
assignment = "The council chose by need"
assumptions = ["What led families to take part is among the covariates"]

[windows.months-1-24]
quarters = [1, 8]
label = "within 24 months"

[[outcomes]]
id = "in-need"
label = "Children in need"
primary = true
better = "lower"
who = "child"
owner = "education"
table = "episode"
kind = "child_in_need"
measure = "any"
windows = ["months-1-24"]

[[outcomes]]
id = "convictions"
label = "Convictions"
better = "lower"
owner = "justice"
table = "event"
kind = "offence_proven"
measure = "count"
windows = ["months-1-24"]

[[covariates]]
id = "convictions-before"
owner = "justice"
table = "event"
kind = "offence_proven"
measure = "count"
quarters = [-8, -1]

[[covariates]]
id = "needs"
field = "needs"

[method]
primary = "regression"
exact = ["role"]

[linkage]
imputations = 2

[[subgroups]]
id = "by-role"
field = "role"

[specifications]
vary = []

[disclosure]
k = 10
l = 2
suppress_at_most = 0.2
quasi_identifiers = ["role", "sex", "age_band", "ethnicity_group"]
sensitive = ["needs"]
"""
