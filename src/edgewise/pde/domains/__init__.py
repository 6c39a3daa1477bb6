"""Where equations hold, and the named parts of their boundaries."""
