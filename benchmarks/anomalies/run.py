"""How often anomalies are told where there are none, and how many of those that are there.

python benchmarks/anomalies/run.py              made-up traffic, every figure from one seed
HOLDFAST_NAB=DIR python benchmarks/anomalies/run.py     also Numenta's labelled series, from a
                                                checkout of github.com/numenta/NAB
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from labelled import labelled_report
from made_up import made_up_report

SEED = 20_260
VARIABLE = "HOLDFAST_NAB"


def main() -> int:
    print(made_up_report(SEED))
    folder = os.environ.get(VARIABLE)
    if folder is None:
        print(f"\n{VARIABLE} is not set: the labelled series are left out.")
        return 0
    print(labelled_report(Path(folder)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
