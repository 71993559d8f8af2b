"""Land cover as a judge of generated images: a classifier of pixels over time that was trained on true images."""
