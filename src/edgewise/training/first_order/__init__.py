"""Minibatch AdamW, and L-BFGS on all rows at once: for large networks."""
