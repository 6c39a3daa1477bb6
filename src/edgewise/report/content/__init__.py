"""What a report is made of, and how it is gathered from a table and an estimator."""
