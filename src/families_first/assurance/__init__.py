"""Runs every promise's checks and attacks, and writes the evidence. Holds verdicts, never records."""
