"""People across records: who is the same person, why we think so, and how sure we are.

Any zone that may hold identifiers may call this room. It keeps nothing: it takes tables and returns tables.
"""
