"""From Sentinel products to datasets in five steps, and importers of other data.

==== =================================== ========================== ==================================================
step script in this folder               module                     output
==== =================================== ========================== ==================================================
10   10_identify_unique_tilecodes.py     scenes.tile_codes          table: products of each Sentinel-2 tile
20   20_create_inventory.py              scenes.pairing             inventory: pairs of Sentinel-2 scenes and
                                                                    Sentinel-3 frames
30   30_create_s2pngs.py                 scenes.previews            previews of the scenes, and a page to select scenes
40   40_create_tifs.py                   tiles.cutting              GeoTIFF tiles of both sensors
50   50_create_tfrecords.py              tiles.records_plan         datasets of TFRecords
==== =================================== ========================== ==================================================

``parallel`` runs a step on several products at once. docs/preprocessing-reference.md explains options and files.
"""
