"""Zone: publication. What may be told to everyone.

May hold: aggregate outputs, the ledger of everything ever released, and reviews of requests. May never
hold: a row about a person or family, or a figure that describes fewer people than the published thresholds.
Run by: output checkers who did not make the outputs.
"""
