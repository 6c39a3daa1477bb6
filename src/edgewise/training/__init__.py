"""Training: losses, Levenberg-Marquardt with evidence-weighted penalties, first-order methods, one `fit`.

The algebra of the parts: a fit is a *method* (how steps are made) times a *grid schedule* (when edges get finer) times a
*penalty* (what is preferred where rows do not decide) times a *judge* (held-out rows or generalised cross-validation).
"""

from edgewise._core.lazy import attach

__getattr__, __dir__ = attach(__name__)
