"""Differential equations: a problem that reads like mathematics, its solution with its error, and the network that it is.

    terms (coordinates, unknowns, derivatives) -> problem (equations on a domain) -> solvers -> solution

>>> from edgewise import pde
>>> x, y = pde.coordinates("x", "y")
>>> u = pde.unknown("u", x, y)
>>> square = pde.box({x: (0, 1), y: (0, 1)})
>>> problem = pde.Problem(square, [pde.lap(u) == -1], pde.on(square.boundary["walls"], u == 0))
>>> solution = pde.solve(problem, tolerance=1e-4)
>>> round(solution(0.5, 0.5), 4)
0.0737
"""

from edgewise.pde.discovery.discover import discover as discover
from edgewise.pde.discovery.law import Discovery as Discovery
from edgewise.pde.discovery.law import Law as Law
from edgewise.pde.domains.box import Box as Box
from edgewise.pde.domains.box import box as box
from edgewise.pde.domains.region import Region as Region
from edgewise.pde.domains.shapes import disk as disk
from edgewise.pde.domains.shapes import ellipse as ellipse
from edgewise.pde.domains.shapes import polygon as polygon
from edgewise.pde.domains.solid import Solid as Solid
from edgewise.pde.domains.solid import solid as solid
from edgewise.pde.domains.space_time import SpaceTime as SpaceTime
from edgewise.pde.domains.surface import TriangleSurface as TriangleSurface
from edgewise.pde.domains.surface import surface as surface
from edgewise.pde.problem.data import Data as Data
from edgewise.pde.problem.data import data as data
from edgewise.pde.problem.gallery import gallery as gallery
from edgewise.pde.problem.gallery import gallery_names as gallery_names
from edgewise.pde.problem.problem import Condition as Condition
from edgewise.pde.problem.problem import Problem as Problem
from edgewise.pde.problem.problem import on as on
from edgewise.pde.problem.text import ProblemFile as ProblemFile
from edgewise.pde.problem.text import load_problem as load_problem
from edgewise.pde.problem.text import problem_from_text as problem_from_text
from edgewise.pde.problem.text import problem_from_toml as problem_from_toml
from edgewise.pde.results.checkpoint import Checkpoint as Checkpoint
from edgewise.pde.results.energy import EnergyBound as EnergyBound
from edgewise.pde.results.formula import SolutionFormula as SolutionFormula
from edgewise.pde.results.identification import Estimate as Estimate
from edgewise.pde.results.identification import FunctionEstimate as FunctionEstimate
from edgewise.pde.results.identification import Identification as Identification
from edgewise.pde.results.modes import Modes as Modes
from edgewise.pde.results.solution import Solution as Solution
from edgewise.pde.settings import SolverConfig as SolverConfig
from edgewise.pde.solvers.eigen import eigen as eigen
from edgewise.pde.solvers.energy_bound import energy_bound as energy_bound
from edgewise.pde.solvers.identify import identify as identify
from edgewise.pde.solvers.progress import Progress as Progress
from edgewise.pde.solvers.solve import solve as solve
from edgewise.pde.terms.constants import constant as constant
from edgewise.pde.terms.constants import function as function
from edgewise.pde.terms.operators import advect as advect
from edgewise.pde.terms.operators import atan2 as atan2
from edgewise.pde.terms.operators import cos as cos
from edgewise.pde.terms.operators import cosh as cosh
from edgewise.pde.terms.operators import curl as curl
from edgewise.pde.terms.operators import div as div
from edgewise.pde.terms.operators import dn as dn
from edgewise.pde.terms.operators import dot as dot
from edgewise.pde.terms.operators import dt as dt
from edgewise.pde.terms.operators import dx as dx
from edgewise.pde.terms.operators import exp as exp
from edgewise.pde.terms.operators import grad as grad
from edgewise.pde.terms.operators import lap as lap
from edgewise.pde.terms.operators import log as log
from edgewise.pde.terms.operators import pi as pi
from edgewise.pde.terms.operators import sign as sign
from edgewise.pde.terms.operators import sin as sin
from edgewise.pde.terms.operators import sinh as sinh
from edgewise.pde.terms.operators import sqrt as sqrt
from edgewise.pde.terms.operators import tan as tan
from edgewise.pde.terms.operators import tanh as tanh
from edgewise.pde.terms.symbols import Coordinate as Coordinate
from edgewise.pde.terms.symbols import Equation as Equation
from edgewise.pde.terms.symbols import Unknown as Unknown
from edgewise.pde.terms.symbols import Vector as Vector
from edgewise.pde.terms.symbols import coordinates as coordinates
from edgewise.pde.terms.symbols import eigenvalue as eigenvalue
from edgewise.pde.terms.symbols import normal as normal
from edgewise.pde.terms.symbols import parameter as parameter
from edgewise.pde.terms.symbols import time as time
from edgewise.pde.terms.symbols import unknown as unknown
from edgewise.pde.terms.text import read_equations as read_equations
