"""Functions of pairs of columns: which pairs act together, solved for, and written as nodes of a network."""
