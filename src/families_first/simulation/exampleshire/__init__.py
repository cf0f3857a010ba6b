"""Exampleshire, a made-up council: the mappings and agreements of its twelve sources, and the agreements and
the protocol of its study, as files."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def mappings() -> list[Traversable]:
    """Return the sixteen mapping files (TOML), by name."""
    return _toml("mappings")


def agreements() -> list[Traversable]:
    """Return the twelve agreements (TOML), by name."""
    return _toml("agreements")


def study_agreements() -> list[Traversable]:
    """Return the agreements of the study (TOML), by name: one of each data owner, those of the linker and of
    the publisher with the university."""
    return _toml("study-agreements")


def study_protocol() -> Traversable:
    """Return the protocol of the study (TOML)."""
    return files(__name__).joinpath("protocols", "families-first-2026.toml")


def _toml(folder: str) -> list[Traversable]:
    found = files(__name__).joinpath(folder).iterdir()
    return sorted((each for each in found if each.name.endswith(".toml")), key=lambda each: each.name)
