"""The match model: what share of one person's record pairs, and of strangers', falls into each level.

A model is a small JSON file with a version. Its shares become a Splink settings dictionary, so that Splink
does the comparing, the term frequencies and the arithmetic, on DuckDB or Spark alike.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from families_first.errors import ExitCode, UserError
from families_first.matching.comparisons import BY_NAME, COMPARISONS, IDENTIFIERS, Comparison
from families_first.matching.mixture import Shares

SHIPPED = "county-1.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Model:
    """Level shares by comparison name, listed from the strongest level to ``other``; each list sums to 1."""

    version: str
    m: Mapping[str, tuple[float, ...]]
    u: Mapping[str, tuple[float, ...]]
    trained_on: str
    pairs: int

    def shares(self, comparisons: tuple[Comparison, ...]) -> Shares:
        """Return the shares of these comparisons in order of Splink's level number."""
        return Shares(
            m=tuple(np.array(self.m[each.name][::-1]) for each in comparisons),
            u=tuple(np.array(self.u[each.name][::-1]) for each in comparisons),
        )

    def with_shares(self, comparisons: tuple[Comparison, ...], shares: Shares, **changes: Any) -> "Model":
        """Return a model in which these comparisons have these shares."""
        m, u = dict(self.m), dict(self.u)
        for each, m_share, u_share in zip(comparisons, shares.m, shares.u, strict=True):
            m[each.name] = tuple(float(x) for x in m_share[::-1])
            u[each.name] = tuple(float(x) for x in u_share[::-1])
        return Model(
            version=changes.get("version", self.version),
            m=m,
            u=u,
            trained_on=changes.get("trained_on", self.trained_on),
            pairs=changes.get("pairs", self.pairs),
        )


def usual_model() -> Model:
    """Return the model to start training from: the usual shares of ``comparisons``, and no knowledge of
    chance.
    """
    return Model(
        version="usual",
        m={c.name: _normalised([level.usual for level in c.levels]) for c in COMPARISONS},
        u={c.name: _normalised([0.01] * (len(c.levels) - 1) + [0.9]) for c in COMPARISONS},
        trained_on="nothing yet",
        pairs=0,
    )


def _normalised(values: list[float]) -> tuple[float, ...]:
    total = sum(values)
    return tuple(each / total for each in values)


def save_model(model: Model, path: Path) -> None:
    """Write ``model`` as JSON with its level names, so that a person can read it."""
    content = {
        "format": FORMAT,
        "version": model.version,
        "trained_on": model.trained_on,
        "pairs": model.pairs,
        "comparisons": {
            each.name: {
                level.name: {"m": round(model.m[each.name][i], 9), "u": round(model.u[each.name][i], 12)}
                for i, level in enumerate(each.levels)
            }
            for each in COMPARISONS
        },
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_model(path: Path) -> Model:
    """Read a model; a level that the file lacks, or one that this version does not know, is an error."""
    return _parse(path.read_text(encoding="utf-8"), path.name)


def shipped_model() -> Model:
    """Return the model that comes with the program, trained on the simulated county."""
    text = resources.files("families_first.matching").joinpath("models", SHIPPED).read_text(encoding="utf-8")
    return _parse(text, SHIPPED)


def _parse(text: str, name: str) -> Model:
    fix = "Train the model again with this version of the program."
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError("The match model is not JSON", where=name, fix=fix, code=ExitCode.BAD_FILE) from error
    if content.get("format") != FORMAT:
        raise UserError("The match model has another format", where=name, fix=fix, code=ExitCode.BAD_FILE)
    m: dict[str, tuple[float, ...]] = {}
    u: dict[str, tuple[float, ...]] = {}
    for each in COMPARISONS:
        levels = content["comparisons"].get(each.name, {})
        if list(levels) != [level.name for level in each.levels]:
            raise UserError(
                f"The match model has other levels for {each.name}",
                where=name,
                fix=fix,
                code=ExitCode.BAD_FILE,
            )
        m[each.name] = tuple(float(level["m"]) for level in levels.values())
        u[each.name] = tuple(float(level["u"]) for level in levels.values())
    return Model(
        version=content["version"], m=m, u=u, trained_on=content["trained_on"], pairs=int(content["pairs"])
    )


def level_weights(model: Model, comparison: Comparison) -> tuple[float, ...]:
    """Return log2(m / u) of each level, strongest first, all different from each other and from null's 0.

    Splink's output carries a pair's weights and, without also carrying the records, not its levels; weights
    that differ by at least a hundred-thousandth let the level be read back (see ``compare.gamma_sql``).
    """
    weights: list[float] = []
    for m, u in zip(model.m[comparison.name], model.u[comparison.name], strict=True):
        weight = float(np.log2(m / u))
        while any(abs(weight - taken) < 2e-5 for taken in (0.0, *weights)):
            weight += 3e-5
        weights.append(weight)
    return tuple(weights)


def splink_settings(model: Model, comparisons: tuple[Comparison, ...]) -> dict[str, Any]:
    """Return the Splink settings of these comparisons; every level has trained shares, so Splink uses no
    defaults.
    """
    built = []
    for each in comparisons:
        levels: list[dict[str, Any]] = [
            {"sql_condition": each.null, "label_for_charts": "not compared", "is_null_level": True}
        ]
        weights = level_weights(model, each)
        for index, level in enumerate(each.levels):
            u = model.u[each.name][index]
            built_level: dict[str, Any] = {
                "sql_condition": level.condition,
                "label_for_charts": level.name,
                "m_probability": u * 2.0 ** weights[index],
                "u_probability": u,
            }
            if level.rarity_column is not None:
                built_level["tf_adjustment_column"] = level.rarity_column
                built_level["tf_adjustment_weight"] = 1.0
            levels.append(built_level)
        built.append(
            {
                "output_column_name": each.name,
                "comparison_levels": levels,
                "comparison_description": each.name,
            }
        )
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "rid",
        "probability_two_random_records_match": 0.5,
        "comparisons": built,
        "blocking_rules_to_generate_predictions": ["l.rid = r.rid"],
        "retain_intermediate_calculation_columns": True,
        "retain_matching_columns": False,
    }


def rarity_columns(comparisons: tuple[Comparison, ...]) -> tuple[str, ...]:
    """Return the prepared columns whose values are weighed by how rare they are."""
    found = [level.rarity_column for each in comparisons for level in each.levels]
    return tuple(dict.fromkeys(column for column in found if column is not None))


__all__ = [
    "BY_NAME",
    "IDENTIFIERS",
    "Model",
    "load_model",
    "rarity_columns",
    "save_model",
    "shipped_model",
    "splink_settings",
    "usual_model",
]
