"""Step 10: ``python preprocessing/10_identify_unique_tilecodes.py``; see docs/preprocessing.md."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from preprocessing.scenes.tile_codes import main

if __name__ == "__main__":
    main()
