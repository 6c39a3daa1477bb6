"""Sums of terms: a language of terms listed by code length, sets of them by exchange, their constants by projection."""
