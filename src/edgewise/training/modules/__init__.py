"""Training of any torch module on batches: one recipe for whatever is compared."""
