"""Compatibility with unchanged plug-ins for the original ARISGAN code and Keras 2: their imports and their idioms."""

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
#: The modules of that folder that are not plug-ins.
SUPPORT = ("layers", "losses")
#: The default pool sizes of Keras 2.
POOL_SIZES: dict[str, Any] = {"AveragePooling1D": 2, "AveragePooling2D": (2, 2), "AveragePooling3D": (2, 2, 2)}
#: Parts of the messages of errors that only Keras 2 (or a changed plug-in) avoids: a TensorFlow function, or one of the
#: old `keras.backend`, is applied to a symbolic tensor while a network is built.
NEEDS_KERAS_2 = ("cannot be used as input to a TensorFlow function", "'str' object has no attribute 'base_dtype'")


def provide_models_package(folders: Iterable[Path]) -> None:
    """Make ``import models.<name>`` search the toolkit's own ``models/`` first, then these folders.

    Python itself would search for a folder ``models`` along ``sys.path``, and an ``__init__.py`` in one of them, such
    as in the working folder, would hide all others. Modules from the folders of another experiment are removed from
    ``sys.modules``, and all but the toolkit's are imported again.
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
def keras_2_compatibility() -> Iterator[None]:
    """Accept idioms of Keras 2 inside the block, and let summary writers create their files when they are first used.

    Accepted are ``AveragePooling2D()`` (also 1D, 3D) without a pool size, and ``batch_input_shape`` of any layer.
    Keras is unchanged after the block; layers built inside are ordinary ones.
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
    """Set an attribute inside the block and restore it afterwards."""
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _with_pool_size(original: Callable[..., None], size: Any) -> Callable[..., None]:
    def init(self: Any, pool_size: Any = size, *arguments: Any, **options: Any) -> None:
        original(self, pool_size, *arguments, **options)

    signature = inspect.signature(original)
    parameters = [
        parameter.replace(default=size) if parameter.name == "pool_size" else parameter
        for parameter in signature.parameters.values()
    ]
    return _with_signature(original, init, signature.replace(parameters=parameters))


def _with_batch_input_shape(original: Callable[..., None]) -> Callable[..., None]:
    def init(self: Any, *arguments: Any, batch_input_shape: Any = None, **options: Any) -> None:
        if batch_input_shape is None:
            original(self, *arguments, **options)
            return
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Do not pass an `input_shape`")
            original(self, *arguments, input_shape=tuple(batch_input_shape[1:]), **options)

    return _with_signature(original, init, inspect.signature(original))


def _with_signature(original: Callable[..., None], init: Any, signature: inspect.Signature) -> Callable[..., None]:
    """Give a constructor the name of the original and a signature: Keras reads both for the config of a layer."""
    functools.update_wrapper(init, original)
    del init.__wrapped__
    init.__signature__ = signature
    return init


def advice(text: str, message: str) -> str:
    """Return the message for an error in a plug-in, with the remedy where it is known.

    Args:
        text: the whole text of the exception.
        message: its message in one line, which is returned for other errors.
    """
    if any(phrase in text for phrase in NEEDS_KERAS_2):
        return (
            "a TensorFlow or keras.backend function is applied to a symbolic tensor of a network, which needs Keras 2:"
            ' set "legacy_keras": true in environment.json, or use layers or keras.ops there'
        )
    if unsupported := re.search(r"unsupported operations when trying to compile .* on XLA_\w+: (\w+)", text):
        return (
            f"XLA does not support {unsupported[1]} (summaries are among the operations that it does not support);"
            " leave jit_compile out of experiment.json"
        )
    if any(f"module 'models.{name}' has no attribute" in text for name in SUPPORT):
        return f"{message} (it is the toolkit's, {MODELS}; import a module of your own by another name)"
    return message
