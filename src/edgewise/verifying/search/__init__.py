"""Decide one goal: branch and bound over parts of the domain, and attacks that look for a row that breaks it."""
