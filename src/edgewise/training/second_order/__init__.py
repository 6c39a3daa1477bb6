"""Levenberg-Marquardt with penalties weighed by the evidence: for small networks."""
