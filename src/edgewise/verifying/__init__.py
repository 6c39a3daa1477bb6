"""verify: what holds for every row of a domain, proved; certificates that an independent checker accepts or refuses."""

from edgewise.verifying.entry_points.counterfactual import MinimalCounterfactual as MinimalCounterfactual
from edgewise.verifying.entry_points.counterfactual import minimal_counterfactual as minimal_counterfactual
from edgewise.verifying.entry_points.formula_constraints import prove_constraints as prove_constraints
from edgewise.verifying.entry_points.verify import verify as verify
from edgewise.verifying.language import properties
from edgewise.verifying.language.text import parse_property as parse_property
from edgewise.verifying.results.certificate import Certificate as Certificate
from edgewise.verifying.results.verdicts import Proved as Proved
from edgewise.verifying.results.verdicts import Refuted as Refuted
from edgewise.verifying.results.verdicts import Undecided as Undecided
from edgewise.verifying.results.witness import Case as Case
from edgewise.verifying.search.answers import Step as Step

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
    "prove_constraints",
    "verify",
]
