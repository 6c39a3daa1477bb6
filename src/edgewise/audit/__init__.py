"""audit: how a model treats groups of people; gaps between them, flips, proxies, and what repairs cost."""

from edgewise.audit.certify import CertifiedFlip as CertifiedFlip
from edgewise.audit.certify import certified_flip as certified_flip
from edgewise.audit.frontier import Frontier as Frontier
from edgewise.audit.frontier import FrontierPoint as FrontierPoint
from edgewise.audit.metrics import Gap as Gap
from edgewise.audit.metrics import GroupTable as GroupTable
from edgewise.audit.mitigation import mitigate as mitigate
from edgewise.audit.result import AuditResult as AuditResult
from edgewise.audit.run import audit as audit
from edgewise.audit.surgery import Mitigated as Mitigated
from edgewise.audit.surgery import flatten_columns as flatten_columns
from edgewise.audit.surgery import limit_flip as limit_flip
from edgewise.audit.thresholds import GroupThresholds as GroupThresholds

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
    "certified_flip",
    "flatten_columns",
    "limit_flip",
    "mitigate",
]
