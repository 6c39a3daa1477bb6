"""The closed form of a curve: y as a function of one number."""
