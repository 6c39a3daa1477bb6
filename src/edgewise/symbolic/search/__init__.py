"""The whole search for a formula: its stages from direct candidates to networks, and what it returns."""
