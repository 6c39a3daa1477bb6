"""Training: losses, Levenberg-Marquardt with evidence-weighted penalties, first-order methods, one `fit`.

The algebra of the parts: a fit is a *method* (how steps are made) times a *grid schedule* (when edges get finer) times a
*penalty* (what is preferred where rows do not decide) times a *judge* (held-out rows or generalised cross-validation).
"""

from edgewise.training.common.losses import CrossEntropy as CrossEntropy
from edgewise.training.common.losses import Huber as Huber
from edgewise.training.common.losses import Loss as Loss
from edgewise.training.common.losses import Poisson as Poisson
from edgewise.training.common.losses import Squared as Squared
from edgewise.training.common.results import Callback as Callback
from edgewise.training.common.results import FitResult as FitResult
from edgewise.training.common.results import Record as Record
from edgewise.training.common.results import TableFit as TableFit
from edgewise.training.config import TableConfig as TableConfig
from edgewise.training.fit import fit as fit
from edgewise.training.tabular.fit_table import fit_table as fit_table

__all__ = [
    "Callback",
    "CrossEntropy",
    "FitResult",
    "Huber",
    "Loss",
    "Poisson",
    "Record",
    "Squared",
    "TableConfig",
    "TableFit",
    "fit",
    "fit_table",
]
