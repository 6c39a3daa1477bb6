"""What every room shares: errors, argument checks, seeds, work and its limits, threads, files."""
