"""Learning rates, gradient norms and averaged weights of any plug-in, by keys of ``experiment.json``."""
