"""Readers of satellite products, used by ``preprocessing`` and by georeferenced inference.

Each product has one module (``sentinel2``, ``sentinel3``). Its bands, calibration, file names and metadata elements are
tables at the top of the module (for Sentinel-2 of ``sentinel2_layout``). Readers return physical values: reflectance
(1) and radiance (mW m-2 sr-1 nm-1). A new sensor is one more module, built on these:

=================== ==========================================================================
module              content
=================== ==========================================================================
locating            finding products below a folder
archives            the files of a product in a folder or .zip
product_xml         metadata in XML
image_grids         opening images, and resampling them onto another grid
netcdf_variables    opening variables of untrusted netCDF files
swath_files         windows of the netCDF files of a swath
collocation         the swath pixel at each pixel of a map grid
footprints          the ground of a tile, and the share of a scene that a frame covers
vector_masks        polygons of KML and other vector files, projected to a scene's grid
lexicon             what is known of bands by their names: wavelength, quantity, unit (``bands.yaml``)
=================== ==========================================================================
"""
