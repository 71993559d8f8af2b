"""Find, pair and select scenes: steps 10, 20 and 30.

=============== =====================================================================================
module          content
=============== =====================================================================================
tile_codes      step 10: counts the products of each tile
pairing         step 20: pairs Sentinel-2 scenes and Sentinel-3 frames
observations    the metadata that step 20 reads of each product; newest version of each observation
inventory       the CSV file of pairs: writing, reading, finding its products
inventory_plot  the figure of an inventory
previews        step 30: draws a preview of every scene
preview_page    step 30: the HTML page of previews, which saves a selection
selection       reads a selection for step 40, and chooses a Sentinel-3 frame for each scene
=============== =====================================================================================
"""
