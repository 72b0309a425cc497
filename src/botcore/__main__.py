"""Entry point of `python -m botcore`, which the launcher and the service files call."""

from botcore.cli import main

if __name__ == "__main__":
    main()
