"""Units: how they are read, how dimensions pass through formulas, and which products have none."""
