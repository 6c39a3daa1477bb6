"""One law over many groups of rows: which constants all share, and what those of each group are."""
