"""What happened after the assessment, under both arms: exact chances, and what came about.

Without the programme and with it, everybody has the same luck, so that what came about differs only where the
programme changed it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from families_first.simulation.national.courses import Course, Schooling, window_share
from families_first.simulation.national.paths import any_chance, chances, draw_path, logistic, prevalence
from families_first.simulation.national.quarters import FOLLOW_UP, WINDOWS
from families_first.simulation.national.settling import settle, shift_of

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Pair = tuple[Numbers, Numbers]


@dataclass(frozen=True, slots=True)
class Arms:
    """One process after time zero, by person of the course, each as (without the programme, with it).

    ``chance`` has by window id the exact chance (or expected share), ``came`` what was drawn. Shares are NaN
    where there were no sessions. ``share`` and ``missed`` are a share's quarters from time zero on; None for
    what is no share.
    """

    course: Course
    chance: dict[str, Pair]
    came: dict[str, Pair]
    share: Pair | None = None
    missed: Pair | None = None


def follow(
    course: Course,
    *,
    extra: Numbers,
    strength: Numbers,
    takes_part: Flags,
    whole: Arms | None,
    rng: np.random.Generator,
) -> Arms:
    """Settle a course's level and effects among those who take part, draw both arms, and fill in the course.

    Parameters
    ----------
    extra
        Log odds by person that nobody sees (a hidden confounder; 0 for none).
    strength
        By person, how strong the effect is on the log odds, relative to 1.
    takes_part
        By person; the course is filled in with what came about under that arm.
    whole
        The process of which this share is a part.
    """
    quarters = course.odds.shape[1] - int(course.turn.min())
    odds = np.asarray(course.after(course.odds, quarters)).astype(np.float64) + extra[:, None]
    if course.schooling is not None:
        return _follow_share(
            course, course.schooling, odds, strength=strength, takes_part=takes_part, whole=whole, rng=rng
        )
    return _follow_spells(course, odds, strength, takes_part, rng)


def _follow_spells(
    course: Course, odds: Numbers, strength: Numbers, takes_part: Flags, rng: np.random.Generator
) -> Arms:
    process, quarters = course.process, odds.shape[1]
    before = np.asarray(course.before(course.happened, 1))[:, 0].astype(bool)
    treated_odds, treated_before = odds[takes_part, :FOLLOW_UP], before[takes_part].astype(np.float64)

    def rate(level: float, shift: Numbers | None, window: tuple[int, int]) -> Numbers:
        each = chances(treated_odds, process.stay, level if shift is None else level + shift)
        return any_chance(each, prevalence(each, treated_before), window)

    settled = settle(process, strength[takes_part], rate)
    luck = rng.random(odds.shape, dtype=np.float32)
    shift = shift_of(process, settled, strength, quarters)
    chance: list[dict[str, Numbers]] = []
    came: list[dict[str, Numbers]] = []
    paths: list[Flags] = []
    for moved in (0.0, shift if process.steps else 0.0):
        each = chances(odds, process.stay, settled.level + moved)
        on = prevalence(each, before.astype(np.float64))
        path = draw_path(each, before, luck)
        paths.append(path)
        chance.append({name: any_chance(each, on, window) for name, window in WINDOWS.items()})
        came.append(
            {
                name: path[:, first - 1 : last].any(axis=1).astype(np.float64)
                for name, (first, last) in WINDOWS.items()
            }
        )
    course.write_after(course.happened, np.where(takes_part[:, None], paths[1], paths[0]))
    return Arms(course, _paired(chance), _paired(came))


def _follow_share(
    course: Course,
    schooling: Schooling,
    odds: Numbers,
    *,
    strength: Numbers,
    takes_part: Flags,
    whole: Arms | None,
    rng: np.random.Generator,
) -> Arms:
    process, quarters = course.process, odds.shape[1]
    sessions = np.asarray(course.after(schooling.sessions, quarters)).astype(np.int64)
    one = np.ones(odds.shape)
    of = (one, one) if whole is None or whole.share is None else whole.share
    treated_odds, treated_sessions = odds[takes_part, :FOLLOW_UP], sessions[takes_part, :FOLLOW_UP]
    treated_of = tuple(each[takes_part, :FOLLOW_UP] for each in of)

    def rate(level: float, shift: Numbers | None, window: tuple[int, int]) -> Numbers:
        part, moved = (treated_of[0], 0.0) if shift is None else (treated_of[1], shift)
        return window_share(logistic(treated_odds + (level + moved)) * part, treated_sessions, window)

    settled = settle(process, strength[takes_part], rate)
    shift = shift_of(process, settled, strength, quarters)
    shares = (
        logistic(odds + settled.level),
        logistic(odds + (settled.level + shift)),
    )
    trials = (sessions, sessions) if whole is None or whole.missed is None else whole.missed
    missed = tuple(
        rng.binomial(of_these.astype(np.int64), share).astype(np.float64)
        for of_these, share in zip(trials, shares, strict=True)
    )
    share = tuple(each * part for each, part in zip(shares, of, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = tuple(each / sessions for each in missed)
    drawn = tuple(np.where(sessions > 0, each, 0.0) for each in drawn)
    chance = [
        {name: window_share(each, sessions, window) for name, window in WINDOWS.items()} for each in share
    ]
    came = [
        {name: window_share(each, sessions, window) for name, window in WINDOWS.items()} for each in drawn
    ]
    under = np.where(takes_part[:, None], missed[1], missed[0])
    course.write_after(schooling.missed, under.astype(np.int16))
    return Arms(course, _paired(chance), _paired(came), (share[0], share[1]), (missed[0], missed[1]))


def _paired(arms: list[dict[str, Numbers]]) -> dict[str, Pair]:
    without, under = arms
    return {name: (without[name], under[name]) for name in without}
