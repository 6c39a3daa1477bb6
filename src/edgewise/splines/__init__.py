"""Pure spline mathematics on tensors: grids, pieces, bases, refinement, least squares.

The algebra of the parts: an edge function is a *basis* laid over a *grid* times *coefficients*; a
fit adds a *penalty*.
"""

from edgewise.splines.basis import Basis as Basis
from edgewise.splines.bspline import BSpline as BSpline
from edgewise.splines.bspline import antiderivative as antiderivative
from edgewise.splines.bspline import derivative as derivative
from edgewise.splines.bspline import evaluate as evaluate
from edgewise.splines.bspline import knot_insertion as knot_insertion
from edgewise.splines.global_bases import Chebyshev as Chebyshev
from edgewise.splines.global_bases import Fourier as Fourier
from edgewise.splines.global_bases import GaussianRBF as GaussianRBF
from edgewise.splines.global_bases import RationalChebyshev as RationalChebyshev
from edgewise.splines.grids import curvature_grid as curvature_grid
from edgewise.splines.grids import data_range as data_range
from edgewise.splines.grids import mass_grid as mass_grid
from edgewise.splines.grids import mass_grid_of as mass_grid_of
from edgewise.splines.grids import quantile_grid as quantile_grid
from edgewise.splines.grids import uniform_grid as uniform_grid
from edgewise.splines.lsq import fit_coefficients as fit_coefficients
from edgewise.splines.lsq import smoothness_rows as smoothness_rows
from edgewise.splines.make import BASES as BASES
from edgewise.splines.make import default_grid as default_grid
from edgewise.splines.make import make_basis as make_basis
from edgewise.splines.smooth_basis import smooth_basis as smooth_basis
from edgewise.splines.smooth_basis import smooth_basis_of as smooth_basis_of

__all__ = [
    "BASES",
    "BSpline",
    "Basis",
    "Chebyshev",
    "Fourier",
    "GaussianRBF",
    "RationalChebyshev",
    "antiderivative",
    "curvature_grid",
    "data_range",
    "default_grid",
    "derivative",
    "evaluate",
    "fit_coefficients",
    "knot_insertion",
    "make_basis",
    "mass_grid",
    "mass_grid_of",
    "quantile_grid",
    "smooth_basis",
    "smooth_basis_of",
    "smoothness_rows",
    "uniform_grid",
]
