"""The command line where the command itself is not on the path: `python -m edgewise`."""

from edgewise.cli import main

if __name__ == "__main__":
    main()
