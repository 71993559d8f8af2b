"""Step 10: count the Sentinel-2 products of each tile; see docs/preprocessing.md.

python preprocessing/10_identify_unique_tilecodes.py
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from preprocessing.scenes.tile_codes import main

if __name__ == "__main__":
    main()
