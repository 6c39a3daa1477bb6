"""One law over many groups of rows, with constants of its own in each."""
