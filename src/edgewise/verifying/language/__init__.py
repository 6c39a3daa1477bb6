"""Properties and conditions made, and read from text."""
