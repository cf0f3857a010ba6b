"""Families First: identify and support families, link and learn, and keep every promise of the notice."""

__version__ = "0.1.0"
