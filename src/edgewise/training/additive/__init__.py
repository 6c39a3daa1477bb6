"""One function a column, solved by iteratively reweighted least squares, with constraints on their shapes."""
