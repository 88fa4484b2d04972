"""Lets the tests of this folder import what they and those of Kubernetes share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "kubernetes"))
