"""Properties and conditions, as data and as text."""
