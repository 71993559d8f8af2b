"""Settings that users write: JSON and YAML files with comments, their schemas, validation and errors."""
