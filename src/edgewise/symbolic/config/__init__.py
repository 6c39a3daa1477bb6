"""What formulas are searched, rounded and judged by: every threshold, limit and count, once.

`SearchConfig` holds those that choose and gate the stages of a search, and in fields of their own those of the engines that
a search calls and that also stand alone.
"""

from edgewise.symbolic.config.ask import AskConfig as AskConfig
from edgewise.symbolic.config.breaks import BreakConfig as BreakConfig
from edgewise.symbolic.config.constraint_checks import ConstraintConfig as ConstraintConfig
from edgewise.symbolic.config.curve_stages import CurveStageConfig as CurveStageConfig
from edgewise.symbolic.config.curves import CurveConfig as CurveConfig
from edgewise.symbolic.config.exchange import ExchangeConfig as ExchangeConfig
from edgewise.symbolic.config.gross_errors import GrossErrorConfig as GrossErrorConfig
from edgewise.symbolic.config.meeting import MeetingConfig as MeetingConfig
from edgewise.symbolic.config.mending import MendingConfig as MendingConfig
from edgewise.symbolic.config.networks import NetworkConfig as NetworkConfig
from edgewise.symbolic.config.noisy_sums import NoisySumConfig as NoisySumConfig
from edgewise.symbolic.config.nonlinear_sums import NonlinearSumConfig as NonlinearSumConfig
from edgewise.symbolic.config.parts import PartConfig as PartConfig
from edgewise.symbolic.config.quotients import QuotientConfig as QuotientConfig
from edgewise.symbolic.config.reduction import ReductionConfig as ReductionConfig
from edgewise.symbolic.config.relations import RelationConfig as RelationConfig
from edgewise.symbolic.config.search import DEFAULT as DEFAULT
from edgewise.symbolic.config.search import SearchConfig as SearchConfig
from edgewise.symbolic.config.search import config_of as config_of
from edgewise.symbolic.config.sums import SumConfig as SumConfig
from edgewise.symbolic.config.surrogate import SurrogateConfig as SurrogateConfig
from edgewise.symbolic.config.two_laws import TwoLawConfig as TwoLawConfig
from edgewise.symbolic.config.varying import VaryingConfig as VaryingConfig
