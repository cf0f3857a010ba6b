"""From a sealed protocol and the records it may see to effects, how sure they are, and what can be said of
them.
"""
