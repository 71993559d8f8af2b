"""A scene in strips from north to south: read ahead, cut into windows, and joined again."""
