"""explain: why a network answers what it answers, as data: contributions, shapes, interactions, counterfactuals."""

from edgewise.explaining.adverse import AdverseReasons as AdverseReasons
from edgewise.explaining.adverse import adverse_reasons as adverse_reasons
from edgewise.explaining.calibrate import CalibratedKAN as CalibratedKAN
from edgewise.explaining.calibrate import calibrate as calibrate
from edgewise.explaining.conformal import Conformal as Conformal
from edgewise.explaining.conformal import conformal as conformal
from edgewise.explaining.counterfactuals import Counterfactuals as Counterfactuals
from edgewise.explaining.counterfactuals import counterfactuals as counterfactuals
from edgewise.explaining.edit_shape import EditedModel as EditedModel
from edgewise.explaining.edit_shape import edit_edge as edit_edge
from edgewise.explaining.edit_shape import edit_shape as edit_shape
from edgewise.explaining.explainer import Explainer as Explainer
from edgewise.explaining.explainer import explain as explain
from edgewise.explaining.local import LocalExplanation as LocalExplanation
from edgewise.explaining.out_of_range import OutOfRange as OutOfRange
from edgewise.explaining.out_of_range import out_of_range as out_of_range
from edgewise.explaining.overview import GlobalExplanation as GlobalExplanation
from edgewise.explaining.reliability import Reliability as Reliability
from edgewise.explaining.reliability import reliability as reliability
from edgewise.explaining.shape_edits import ShapeEdit as ShapeEdit

__all__ = [
    "AdverseReasons",
    "CalibratedKAN",
    "Conformal",
    "Counterfactuals",
    "EditedModel",
    "Explainer",
    "GlobalExplanation",
    "LocalExplanation",
    "OutOfRange",
    "Reliability",
    "ShapeEdit",
    "adverse_reasons",
    "calibrate",
    "conformal",
    "counterfactuals",
    "edit_edge",
    "edit_shape",
    "explain",
    "out_of_range",
    "reliability",
]
