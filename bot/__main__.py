"""`python -m bot` is `petition-bell`."""

from bot.cli import main

if __name__ == "__main__":
    main()
