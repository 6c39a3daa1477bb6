"""Measures of the content: errors with their intervals, residuals, the leaderboard, what each input does."""
