"""Several networks of one shape, trained side by side and judged on the rows each has not seen."""
