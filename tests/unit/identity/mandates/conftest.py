"""Lets the tests of mandates import what they share with each other and with those of authority."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "authority")]
