"""From a trained network back to the map: windows over a scene, blended into one raster."""
