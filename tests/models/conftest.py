"""An experiment without a file, and plug-ins loaded by their path as the toolkit does."""

import gc
import importlib.util
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiment import PROJECT

MODELS = PROJECT / "models"


@pytest.fixture(autouse=True)
def forgotten():
    """Let go of a test's networks: some have fifty million weights, and Keras and cycles hold on to them."""
    yield
    keras.backend.clear_session()
    gc.collect()


@pytest.fixture
def plugin():
    """Return a function from a plug-in's name to its module."""

    def load(name):
        spec = importlib.util.spec_from_file_location(f"plugin_{name}", MODELS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture
def experiment():
    """Return a function that makes an experiment of a given size; keywords replace its attributes."""

    def make(size=64, **changes):
        values = {
            "IMG_HEIGHT": size,
            "IMG_WIDTH": size,
            "TILESIZE": size,
            "INPUT_CHANNELS": 5,
            "OUTPUT_CHANNELS": 3,
            "PARAMS": {},
            "GEN_LOSS": {"gen_gan": 1.0, "gen_l1": 100.0, "gen_ssim": 1.0, "gen_nll": 0.0},
            "DISC_LOSS": {"disc_bce": 1.0, "disc_nll": None},
            "LEARNING_RATE": {"generator": None, "discriminator": None},
            "PRECISION": "float32",
            "RATIO": 2.0,
            "MODEL_NAME": "model",
            "SHARED_BANDS": [2, 1, 0],
            "DATA_RANGE": 2.0,
        }
        return SimpleNamespace(**values | changes)

    return make


@pytest.fixture
def batch():
    """Return a function that makes a random batch that fits an experiment, as train_step's keywords."""

    def make(exp, size=2):
        random = np.random.default_rng(0)
        shape = (size, exp.IMG_HEIGHT, exp.IMG_WIDTH)
        return {
            "input_image": tf.constant(random.uniform(-1, 1, (*shape, exp.INPUT_CHANNELS)), "float32"),
            "target": tf.constant(random.uniform(-1, 1, (*shape, exp.OUTPUT_CHANNELS)), "float32"),
            "step": tf.constant(0, "int64"),
        }

    return make


@pytest.fixture
def precision():
    """Return the function that sets the global precision; it is float32 again after the test."""
    yield keras.mixed_precision.set_dtype_policy
    keras.mixed_precision.set_dtype_policy("float32")
