"""The machinery: what runs experiments. Nobody edits it to add a model, a loss, a metric, a sensor or a dataset."""
