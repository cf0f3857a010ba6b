"""Zone: the trusted linker. Identifiers in, pseudonym spine out.

May hold: identifiers and random row keys of one study, until the spine is made. May never hold: payload
(anything about a person beyond identifiers), or anything after its destruction date. Run by: a trusted
third party that is neither the council nor the researchers.
"""
