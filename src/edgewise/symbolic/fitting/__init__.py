"""Constants of a formula fitted to data: least squares, variable projection, rounding, and what data cannot determine."""
