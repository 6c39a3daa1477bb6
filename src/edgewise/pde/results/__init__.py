"""Solutions: values, derivatives, errors, and the network of products that they are."""
