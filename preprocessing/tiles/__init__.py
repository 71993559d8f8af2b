"""Cut tiles from selected pairs and write them as datasets: steps 40 and 50.

================= ===================================================================================
module            content
================= ===================================================================================
cutting_plan      step 40: checks options, finds products, and lists the pairs to cut
cutting_jobs      step 40: the classes of a pair to cut, its windows and its outcome
cutting           step 40: cuts one pair
paired_scene      step 40: both products of a pair on one grid
window_positions  step 40: draws positions of tiles at random
finished_pairs    step 40: skips finished pairs, and refuses tiles of other options
overlay_plot      step 40: the figure of footprints, masks and tiles
tile_rasters      the GeoTIFF of a tile
records_plan      step 50: checks options, and assigns every tile to a split
tile_records      step 50: the samples of a tile
tile_datasets     step 50: the datasets on disk
================= ===================================================================================
"""
