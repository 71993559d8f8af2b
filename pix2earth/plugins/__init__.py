"""Plug-ins: finding their file, building the class ``GAN``, calling it, and compatibility with ARISGAN and Keras 2."""
