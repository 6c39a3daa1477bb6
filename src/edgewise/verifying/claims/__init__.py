"""Properties: a class for each kind, with its goals, how rows break it and how a certificate states it."""
