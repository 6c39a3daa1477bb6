"""`python -m edgewise.cli`."""

from edgewise.cli import main

if __name__ == "__main__":
    main()
