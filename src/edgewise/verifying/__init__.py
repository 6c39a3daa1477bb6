"""verify: what holds for every row of a domain, proved; certificates that an independent checker accepts or refuses."""

from edgewise.verifying import properties as properties
from edgewise.verifying.api import Step as Step
from edgewise.verifying.api import verify as verify
from edgewise.verifying.certificate import Certificate as Certificate
from edgewise.verifying.counterfactual import MinimalCounterfactual as MinimalCounterfactual
from edgewise.verifying.counterfactual import minimal_counterfactual as minimal_counterfactual
from edgewise.verifying.results import Proved as Proved
from edgewise.verifying.results import Refuted as Refuted
from edgewise.verifying.results import Undecided as Undecided
from edgewise.verifying.text import parse_property as parse_property
from edgewise.verifying.witness import Case as Case

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
