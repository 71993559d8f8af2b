"""Small configuration files that tests share."""

GENERATION = """\
seed: 7
product: {size: {width: 48, height: 48}, horizon: 4, n_polygons: 8}
source: {kind: physical}
"""
