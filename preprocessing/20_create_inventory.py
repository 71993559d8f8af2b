"""Step 20: ``python preprocessing/20_create_inventory.py --tile T17XNA --timediff 10``; see docs/preprocessing.md."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from preprocessing.scenes.pairing import main

if __name__ == "__main__":
    main()
