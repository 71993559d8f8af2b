"""Step 30: draw previews and a page to select scenes; see docs/preprocessing.md.

python preprocessing/30_create_s2pngs.py --inventory inv_T17XNA_10h
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from preprocessing.scenes.previews import main

if __name__ == "__main__":
    main()
