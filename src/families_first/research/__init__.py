"""Zone: research. De-identified data only.

May hold: the minimal, coarsened extract of an approved and sealed protocol, keyed by study pseudonyms. May
never hold: a name, an identifier, an address or a row key of another study; never used to decide about a
person. Run by: the accredited research team.
"""
