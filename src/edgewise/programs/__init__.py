"""What a model computes, as plain numbers with nothing of torch or sympy left: what writers and pages read."""
