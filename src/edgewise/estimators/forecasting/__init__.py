"""A series in time: its axis, its past as a table, forecasts of the past, the forecaster and its files."""
