"""Kolmogorov-Arnold networks a person can read.

A Kolmogorov-Arnold network (KAN) carries a learned function of one variable on every edge, and its nodes only add (or,
where asked, multiply) what arrives. So it can be drawn, shrunk, proved things about, and often read as a formula.

From a table to a formula:

>>> import edgewise as ew
>>> table = ew.load_example("moseley_ka1")  # or ew.read_table("data.csv"), or arrays of your own
>>> X, y, names = table.features("E_eV", ["Z"])
>>> found = ew.find_formula(X, y, names=names, work=0.02)  # a first look; "normal" is the default
>>> len(found.front) > 1  # `found.best`, and the simpler and more exact rivals; each with .text, .latex, .predict(X)
True

The same by steps, each of which leaves what it is given as it was:

>>> fitted = ew.fit(ew.KAN([1, 1], seed=0), X, y)
>>> small = ew.simplify(fitted.network, X, y)
>>> closed = ew.snap(small.network, X).network  # every edge a closed form
>>> law = ew.formula(closed)[0]

From a table of words and numbers to a model, and to what is sure about it:

>>> model = ew.KANRegressor(mode="additive", work="quick").fit({"Z": X[:, 0]}, y)
>>> answer = ew.verify(model, "monotone(Z, increasing)")  # for every row there can be; ew.properties lists what may be asked
>>> answer.status
'proved'
>>> why = ew.explain(model, {"Z": X[:, 0]})  # what it answers, and why

More of what a model can be asked:

========================  ==============================================================================================
``ew.audit``              how it treats groups of people; ``ew.mitigate`` makes it fairer, and measures what that costs
``ew.counterfactuals``    what would change an answer; ``ew.minimal_counterfactual`` proves that less would not
``ew.calibrate``          makes its probabilities agree with frequencies; ``ew.conformal`` gives intervals and sets that hold
``ew.edit_shape``         changes one of its curves by hand; ``ew.view`` edits a network in a notebook
``ew.surrogate``          a network that approximates another model
``ew.write_report``       a page of it all
========================  ==============================================================================================

Of a law that is known in part, ``ew.fit_constants`` finds the numbers and ``ew.fit_partial`` the functions;
``ew.check_structure`` tests what is assumed of it. ``ew.KANClassifier`` predicts classes, ``ew.FormulaRegressor``
is `ew.find_formula` in scikit-learn's clothes, ``ew.KANLinear`` a layer for networks of torch, ``ew.replace_mlp`` puts
networks of functions into a transformer, and ``ew.Nodes`` gives
a network nodes that multiply. ``ew.save`` and ``ew.load`` keep models, ``ew.export`` writes them as C, NumPy, ONNX or
LaTeX. Every result says why it ended (`ew.StopReason`); every error is an `ew.EdgewiseError`, one sentence that says
what to do.

What is not at the top stands in a module:

========================  ==============================================================================================
``ew.plots``              drawings of networks and of all results
``ew.edits``              changes of a network: prune, refine, mask edges, set an edge to a closed form
``ew.symbolic``           more on formulas: suggestions for an edge, curves, formulas back to networks
``ew.pde``                differential equations: a problem as mathematics, its solution with its error
``ew.dynamics``           the equations behind measured courses in time
``ew.forms``              the closed forms, and your own
``ew.verifying``          what proofs give
``ew.explaining``         what explanations give; reasons for refusals, reliability, rows out of range
``ew.auditing``           repairs of a model by hand
``ew.exporting``          source code as text
``ew.vision``             networks for pictures: a classifier with evidence that adds up
``ew.replacing``          feed-forward blocks of torch models, and what they are replaced by
``ew.report``             the pages of ``ew.write_report``, and what is on them
``ew.data``               tables: read, write, split
``ew.estimators``, ``ew.training``, ``ew.simplifying``, ``ew.network``, ``ew.layers``, ``ew.kernels``, ``ew.splines``,
``ew.fields``, ``ew.programs``
                          the parts, for those who build with them
========================  ==============================================================================================

On the command line, ``edgewise --help`` does the same work; the pages under docs/ have the long version.
"""

import sys
from collections.abc import Callable

from edgewise._core.lazy import attach, homes, surface
from edgewise._core.rooms import room
from edgewise._core.version import __version__ as __version__
from edgewise._core.views import VIEWS as _VIEWS

_load, __dir__ = attach(__name__)


def __getattr__(name: str) -> object:
    if name == "__all__":
        return sorted(["__version__", *surface(__name__)])
    if name not in homes(__name__):
        from edgewise._core.moved import no_such_name

        raise AttributeError(no_such_name(name, homes(__name__)), name=name, obj=None)
    return _load(name)


def _view(home: str, name: str) -> Callable[..., object]:
    """A function of a room, which is loaded when it is called."""
    return lambda *args, **options: getattr(room(home), name)(*args, **options)


_VIEWS.update(
    plot_solution=_view("edgewise.plots", "plot_solution"),
    animate_solution=_view("edgewise.plots", "animate_solution"),
    plot_coefficient=_view("edgewise.plots", "plot_coefficient"),
    write_solution_page=_view("edgewise.report", "write_solution_page"),
    html=_view("edgewise.report.notebook", "html"),
)

if "IPython" in sys.modules:
    room("edgewise._core.notebook").register()
