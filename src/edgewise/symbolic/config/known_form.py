"""What the unknown functions of a partly known formula are learned by."""

from __future__ import annotations

from dataclasses import dataclass

from edgewise._core.config import check_config


@dataclass(frozen=True)
class KnownFormConfig:
    """The thresholds of `fit_partial`.

    Attributes
    ----------
    work_units : float
        Units of work of "normal".
    learning_share : float
        Share of the work for learning; the rest is for closed forms.
    fewest_rows, held_out, chosen_on : int, float and float
        Rows of a table at least; the share that judges, and of the others the share that grids and smoothness are chosen on.
    starts, promising : int and float
        Random starts; once one leaves no more than this share of y's spread, others would only find the same again.
    start_decades : float
        Constants begin so many decades from one, as a standard deviation.
    start_steps, steps, smooth_steps, free_steps, last_steps : int
        Steps of the fit from a start, of those that are taken further, at each smoothness, of a freedom that is fixed, and
        on all rows.
    intervals : tuple of int
        Grids of the functions, each finer than the one before.
    roughness : tuple of float
        Weights of the bending, strongest last; beside errors in units of y's spread.
    first_roughness, light_roughness : float
        Those at first, and while freedoms are looked for: a function that takes over the size of another also takes on its
        bending, which must not count against it.
    finer : float
        A finer grid must take the error down to this share.
    last_worse : float
        The fit to all rows may be worse by this factor on those the grid was chosen on.
    same : float
        What the other functions may leave of a change they undo; not nothing, for a spline's slope is a spline of another
        kind.
    heavy : float
        The weight of a fixed freedom, beside errors in units of y's spread.
    gap, still : float
        A direction that moves the formula so many times less than the next, and this little at all, is left open by the
        data.
    open_way : float
        A constant that stands in a direction of so small a share of the largest singular value is left open by the rows.
    free_worse, free_floor : float
        Fixing a freedom must not cost accuracy: at most this factor, or this share of y's spread.
    points, crowds, fewest_weight : int, int and float
        Points of a learned curve; parts of its range whose rows are counted; the least weight of a point, for a form must
        hold where few rows lie, too.
    closest, loosest : float
        A curve is thought no more accurate than the first, and no less than the second.
    forms, snapped_rows, snapped_steps, kept : int
        Closed forms of each function, rows and steps that choose among them, and formulas that are finished.
    most_rounded : int
        Formulas of several groups or targets are rounded where they have no more constants, for each is tried alone.
    as_good : float
        A formula stands for the learned functions where its error is at most so many times theirs.
    """

    work_units: float = 20.0
    learning_share: float = 0.7
    fewest_rows: int = 60
    held_out: float = 0.2
    chosen_on: float = 0.25
    starts: int = 10
    promising: float = 0.03
    start_decades: float = 1.0
    start_steps: int = 12
    steps: int = 60
    smooth_steps: int = 40
    free_steps: int = 30
    last_steps: int = 30
    intervals: tuple[int, ...] = (10, 20, 40)
    roughness: tuple[float, ...] = (1e-12, 1e-9, 1e-7, 1e-5, 1e-3)
    first_roughness: float = 1e-6
    light_roughness: float = 1e-9
    finer: float = 0.99
    last_worse: float = 1.2
    same: float = 5e-2
    heavy: float = 10.0
    gap: float = 50.0
    still: float = 1e-3
    open_way: float = 1e-9
    free_worse: float = 1.5
    free_floor: float = 1e-2
    points: int = 160
    crowds: int = 20
    fewest_weight: float = 0.1
    closest: float = 1e-8
    loosest: float = 0.3
    forms: int = 6
    snapped_rows: int = 300
    snapped_steps: int = 40
    kept: int = 3
    most_rounded: int = 24
    as_good: float = 1.3

    def __post_init__(self) -> None:
        check_config(
            self,
            most={"learning_share": 1.0, "held_out": 0.9, "chosen_on": 0.9},
            least={"intervals": 1, "points": 2},
        )
