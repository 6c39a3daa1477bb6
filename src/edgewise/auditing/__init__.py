"""audit: how a model treats groups of people; gaps between them, flips, proxies, and what repairs cost."""

from edgewise._core.moved import answer_old_names
from edgewise.auditing.certify import CertifiedFlip as CertifiedFlip
from edgewise.auditing.certify import certified_flip as certified_flip
from edgewise.auditing.edits import Mitigated as Mitigated
from edgewise.auditing.edits import bound_flip as bound_flip
from edgewise.auditing.edits import neutralize_columns as neutralize_columns
from edgewise.auditing.frontier import Frontier as Frontier
from edgewise.auditing.frontier import FrontierPoint as FrontierPoint
from edgewise.auditing.metrics import Gap as Gap
from edgewise.auditing.metrics import GroupTable as GroupTable
from edgewise.auditing.mitigation import mitigate as mitigate
from edgewise.auditing.result import AuditResult as AuditResult
from edgewise.auditing.run import audit as audit
from edgewise.auditing.thresholds import GroupThresholds as GroupThresholds

__all__ = [
    "AuditResult",
    "CertifiedFlip",
    "Frontier",
    "FrontierPoint",
    "Gap",
    "GroupTable",
    "GroupThresholds",
    "Mitigated",
    "audit",
    "bound_flip",
    "certified_flip",
    "mitigate",
    "neutralize_columns",
]

__getattr__ = answer_old_names(__name__)
