"""verify: what holds for every row of a domain, proved; certificates that an independent checker accepts or refuses."""

from edgewise.verify import properties as properties
from edgewise.verify.api import Step as Step
from edgewise.verify.api import verify as verify
from edgewise.verify.certificate import Certificate as Certificate
from edgewise.verify.counterfactual import MinimalCounterfactual as MinimalCounterfactual
from edgewise.verify.counterfactual import minimal_counterfactual as minimal_counterfactual
from edgewise.verify.results import Proved as Proved
from edgewise.verify.results import Refuted as Refuted
from edgewise.verify.results import Undecided as Undecided
from edgewise.verify.text import parse_property as parse_property
from edgewise.verify.witness import Case as Case

__all__ = [
    "Case",
    "Certificate",
    "MinimalCounterfactual",
    "Proved",
    "Refuted",
    "Step",
    "Undecided",
    "minimal_counterfactual",
    "parse_property",
    "properties",
    "verify",
]
