"""What every way of training shares: rows, losses, results, costs, and networks made ready for a stage."""
