"""Step 20: pair Sentinel-2 scenes and Sentinel-3 frames; see docs/preprocessing.md.

python preprocessing/20_create_inventory.py --tile T17XNA --timediff 10
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from preprocessing.scenes.pairing import main

if __name__ == "__main__":
    main()
