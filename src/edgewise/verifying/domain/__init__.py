"""The rows a proof speaks of: columns, cells, what is possible, what a change costs, and goals over them."""
