"""The rows a proof is about: columns, cells, what is possible, what a change costs, and goals over them."""
