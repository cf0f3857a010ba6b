"""What a record is: the five canonical tables, identifiers, names, dates and code sets.

This room knows nothing of councils, agreements or matching; every other room speaks its words.
"""
