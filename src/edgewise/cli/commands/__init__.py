"""A command in each file or folder: what it can be asked, with the options and their words, and what it does."""
