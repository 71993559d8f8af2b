"""How the files of a source lie: which of them belong together, what they state, and where the tiles are in them."""
