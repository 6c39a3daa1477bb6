"""Times that may not be over yet: outcomes, pieces of time, hazards as a glass box, and how they are judged."""
