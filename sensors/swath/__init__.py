"""The netCDF files of a swath."""
