"""Claims about the law behind a table, and how they are tested."""
