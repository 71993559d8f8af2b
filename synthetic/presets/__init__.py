"""The presets of datasets: which fields a sample has, and how they are computed from a scene.

Each preset is a module with ``fields(configuration)`` (the manifest's fields and further keys),
``samples_of_scene(configuration)`` (the number of samples of a scene) and ``samples(configuration, number)`` (the
samples of a scene); ``name_of_sample(number, index)`` where their names are not those of ``samples.sample_name``.
"""
