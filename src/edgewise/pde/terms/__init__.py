"""What equations are written with: coordinates, unknowns, derivatives and functions."""
