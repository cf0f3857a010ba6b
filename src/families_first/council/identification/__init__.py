"""Identification: which families meet published, dated criteria, and what each finding rests on.

Counts that anyone can check; no score for a person and no model of risk. The system nominates; a named person
decides.
"""
