"""The version of edgewise, which files and sources that it writes bear."""

__version__ = "0.1.0"
