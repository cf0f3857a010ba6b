"""Zone: the council. Identify and support.

May hold: named records that an agreement in force lists, the people, families and findings made from them,
and casework. May never hold: a linked national record, a pseudonym of a study, or any row from linkage or
research. Run by: the council's programme team, under its data protection officer.
"""
