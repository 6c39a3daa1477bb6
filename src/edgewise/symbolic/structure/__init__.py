"""The structure of a law: separability, linear relations, forward selection, a best-first search over states."""
