"""Backups of a home, encrypted to its custodians, without any key; and restoring them: the dead stay dead."""
