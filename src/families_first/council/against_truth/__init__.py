"""The council's outcome beside a made-up county's truth: what was found, missed or wrongly found, and why.

Only a simulation has a truth, so nothing here runs on a real council's data; it is how the way from files to
families is measured and how the demo explains its own mistakes.
"""
