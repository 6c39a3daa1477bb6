"""Speed measured on the machine at hand: edgewise beside its references, in turn, in one process per reference.

The algebra of the parts: a *job* is a table times a reference; it runs in a *fresh process* with the same number of threads
for both sides and yields *comparisons*; a *comparison* is a ratio with its quartiles; *results* are all of them, drawn as
tables and plots.
"""

from edgewise._core.moved import answer_old_names
from edgewise.bench.jobs import TABLES as TABLES
from edgewise.bench.jobs import Finding as Finding
from edgewise.bench.jobs import Job as Job
from edgewise.bench.jobs import plan as plan
from edgewise.bench.jobs import run as run
from edgewise.bench.results import Comparison as Comparison
from edgewise.bench.results import NotMeasured as NotMeasured
from edgewise.bench.results import Results as Results
from edgewise.bench.settings import Settings as Settings

__all__ = ["TABLES", "Comparison", "Finding", "Job", "NotMeasured", "Results", "Settings", "plan", "run"]

__getattr__ = answer_old_names(__name__)
