"""``python -m holdfast.cli``: the same command."""

from holdfast.cli import main

main()
