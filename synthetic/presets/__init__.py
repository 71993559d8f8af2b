"""The four presets of datasets: which fields a sample has, and how they are computed from a scene.

Each preset is a module with ``fields(configuration)`` (the manifest's fields and roles),
``samples_of_scene(configuration)`` (the number of samples of a scene) and ``samples(configuration, number)`` (the
samples of a scene).
"""
