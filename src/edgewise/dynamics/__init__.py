"""Differential equations of measured courses: their right-hand sides as formulas.

courses -> library of terms -> weak-form regression -> selection on the trajectories -> constants, errors -> Dynamics
"""

from edgewise.dynamics.find_dynamics import find_dynamics as find_dynamics
from edgewise.dynamics.result import Conserved as Conserved
from edgewise.dynamics.result import Dynamics as Dynamics
from edgewise.dynamics.result import FittedCourse as FittedCourse
