"""Plug-ins written for the published ARISGAN and Keras 2, as they are: what they import, and what Keras 3 refuses."""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import inspect
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

#: The toolkit's own folder of plug-ins; `models.layers` and `models.losses` are in it.
MODELS = Path(__file__).resolve().parents[2] / "models"
#: What is in that folder and is no plug-in.
SUPPORT = ("layers", "losses")
#: The sizes that Keras 2 takes where a plug-in names none.
POOL_SIZES: dict[str, Any] = {"AveragePooling1D": 2, "AveragePooling2D": (2, 2), "AveragePooling3D": (2, 2, 2)}
#: What of an error's text tells that only Keras 2 (or another model) helps: a TensorFlow function, or one of the old
#: `keras.backend`, on a tensor that only stands for an image while the network is put together.
NEEDS_KERAS_2 = ("cannot be used as input to a TensorFlow function", "'str' object has no attribute 'base_dtype'")


def offer_models(folders: Iterable[Path]) -> None:
    """Make ``import models.<name>`` find the toolkit's own ``models/`` first, then these folders.

    Python itself would look for a folder ``models`` along ``sys.path``, and an ``__init__.py`` in any of them, such as
    one in the working folder, would hide all others. Modules of folders that another experiment named are forgotten,
    and all but the toolkit's are read again.
    """
    package = sys.modules.get("models")
    if package is None or getattr(package, "__file__", None) is not None:
        spec = importlib.machinery.ModuleSpec("models", None, is_package=True)
        package = sys.modules["models"] = importlib.util.module_from_spec(spec)
    for name, module in list(sys.modules.items()):
        if name.startswith("models.") and not str(getattr(module, "__file__", None)).startswith(f"{MODELS}/"):
            del sys.modules[name]
            vars(package).pop(name.partition(".")[2], None)
    package.__path__ = list(dict.fromkeys([str(MODELS), *(str(Path(folder).resolve()) for folder in folders)]))
    importlib.invalidate_caches()


@contextmanager
def cures() -> Iterator[None]:
    """A block in which Keras 3 takes what Keras 2 took, and summary writers make no files before they are used.

    Cured are ``AveragePooling2D()`` (also 1D, 3D) without a pool size, and ``batch_input_shape`` of any layer. Outside
    of the block Keras is as it was; layers made inside are ordinary ones.
    """
    import keras
    import tensorflow as tf

    from pix2earth.plugins.lazy_writer import LazyWriter

    with ExitStack() as patches:
        for name, size in POOL_SIZES.items():
            layer = getattr(keras.layers, name)
            patches.enter_context(_replaced(layer, "__init__", _with_pool_size(layer.__init__, size)))
        layer = keras.layers.Layer
        patches.enter_context(_replaced(layer, "__init__", _with_batch_input_shape(layer.__init__)))
        patches.enter_context(_replaced(tf.summary, "create_file_writer", LazyWriter))
        yield


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _with_pool_size(original: Callable[..., None], size: Any) -> Callable[..., None]:
    def init(self: Any, pool_size: Any = size, *arguments: Any, **about: Any) -> None:
        original(self, pool_size, *arguments, **about)

    signature = inspect.signature(original)
    parameters = [
        parameter.replace(default=size) if parameter.name == "pool_size" else parameter
        for parameter in signature.parameters.values()
    ]
    return _looking_like(original, init, signature.replace(parameters=parameters))


def _with_batch_input_shape(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *arguments: Any, batch_input_shape: Any = None, **about: Any) -> None:
        if batch_input_shape is None:
            original(self, *arguments, **about)
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Do not pass an `input_shape`")
            original(self, *arguments, input_shape=tuple(batch_input_shape[1:]), **about)

    return _looking_like(original, init, inspect.signature(original))


def _looking_like(original: Callable[..., None], init: Any, signature: inspect.Signature) -> Callable[..., None]:
    """Return a constructor with the name and signature of the original: Keras reads both to describe a layer."""
    functools.update_wrapper(init, original)
    del init.__wrapped__
    init.__signature__ = signature
    return init


def advice(text: str, message: str) -> str:
    """Return the message of an error in a plug-in, or a clearer one where the text tells what would help."""
    if any(sign in text for sign in NEEDS_KERAS_2):
        return (
            "a TensorFlow or keras.backend function is applied to a tensor of a network under construction, which needs"
            ' Keras 2: set "legacy_keras": true in environment.json, or use layers or keras.ops there'
        )
    if unable := re.search(r"unsupported operations when trying to compile .* on XLA_\w+: (\w+)", text):
        return f"XLA has no {unable[1]} (summaries are among what it lacks); leave jit_compile out of experiment.json"
    if any(f"module 'models.{name}' has no attribute" in text for name in SUPPORT):
        return f"{message} (it is the toolkit's, {MODELS}; import a module of your own by another name)"
    return message
