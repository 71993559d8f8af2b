"""The package with everything but the commands and what users extend (models, losses, metrics, sensors ...)."""
