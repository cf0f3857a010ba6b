"""Exampleshire, a made-up council: the mappings and agreements of its twelve sources, as files."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def mappings() -> list[Traversable]:
    """Return the sixteen mapping files (TOML), by name."""
    return _toml("mappings")


def agreements() -> list[Traversable]:
    """Return the twelve agreements (TOML), by name."""
    return _toml("agreements")


def _toml(folder: str) -> list[Traversable]:
    found = files(__name__).joinpath(folder).iterdir()
    return sorted((each for each in found if each.name.endswith(".toml")), key=lambda each: each.name)
