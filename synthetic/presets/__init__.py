"""The four datasets: which fields a sample has, and how a scene is seen to make them.

Each module has ``fields(configuration)`` (the manifest's fields and roles) and ``samples(configuration, number)``
(the samples of a scene).
"""
