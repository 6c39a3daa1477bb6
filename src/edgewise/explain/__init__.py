"""explain: why a network answers what it answers, as data: contributions, shapes, interactions, counterfactuals."""

from edgewise.explain.adverse import AdverseReasons as AdverseReasons
from edgewise.explain.adverse import adverse_reasons as adverse_reasons
from edgewise.explain.calibrate import CalibratedKAN as CalibratedKAN
from edgewise.explain.calibrate import calibrate as calibrate
from edgewise.explain.changes import Counterfactuals as Counterfactuals
from edgewise.explain.conformal import Conformal as Conformal
from edgewise.explain.conformal import conformal as conformal
from edgewise.explain.counterfactuals import counterfactuals as counterfactuals
from edgewise.explain.edit_shape import EditedModel as EditedModel
from edgewise.explain.edit_shape import edit_shape as edit_shape
from edgewise.explain.explainer import Explainer as Explainer
from edgewise.explain.front import explain as explain
from edgewise.explain.local import LocalExplanation as LocalExplanation
from edgewise.explain.out_of_range import OutOfRange as OutOfRange
from edgewise.explain.out_of_range import out_of_range as out_of_range
from edgewise.explain.overview import GlobalExplanation as GlobalExplanation
from edgewise.explain.reliability import Reliability as Reliability
from edgewise.explain.reliability import reliability as reliability
from edgewise.explain.shape_edits import ShapeEdit as ShapeEdit
