"""The conformer block (Gulati et al. 2020): feed-forward, attention with relative positions, convolution."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from layers.batch_norm import UnbiasedBatchNorm

LARGEST_DISTANCE = 512
"""Distances of positions beyond it have its embedding."""
KERNEL = 31
"""Length of the depthwise convolution in tokens."""


@keras.saving.register_keras_serializable("pix2earth")
class RelativeAttention(layers.Layer):
    """Self-attention of several heads whose logits also depend on the distance of two tokens (Shaw et al. 2018).

    Tokens ``(batch, token, feature)`` become a tensor of the same shape. The width of the heads does not depend on the
    number of features; the table of distances is shared by the heads.
    """

    def __init__(self, heads: int, head_features: int, **kwargs: Any) -> None:
        """Store the sizes.

        Args:
            heads: number of heads.
            head_features: features of each.
            kwargs: arguments of every Keras layer.
        """
        super().__init__(**kwargs)
        self.heads, self.head_features = heads, head_features
        inner = heads * head_features
        self.to_q = layers.Dense(inner, use_bias=False)
        self.to_kv = layers.Dense(2 * inner, use_bias=False)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the projections, and the table of distances, (head feature, distance)."""
        self.to_q.build(input_shape)
        self.to_kv.build(input_shape)
        self.to_out = layers.Dense(input_shape[-1])
        self.to_out.build((*input_shape[:-1], self.heads * self.head_features))
        self.rel_pos_emb = Distances(self.head_features)
        self.rel_pos_emb.build(())

    def call(self, x: Any) -> Any:
        """Return the attended tokens."""
        queries = self._by_head(self.to_q(x))
        keys, values = (self._by_head(half) for half in ops.split(self.to_kv(x), 2, axis=-1))
        logits = ops.matmul(queries, ops.swapaxes(keys, 2, 3)) + self.rel_pos_emb(queries)
        weights = ops.softmax(logits * self.head_features**-0.5)
        merged = ops.swapaxes(ops.matmul(weights, values), 1, 2)
        return self.to_out(ops.reshape(merged, (*ops.shape(merged)[:2], self.heads * self.head_features)))

    def _by_head(self, x: Any) -> Any:
        """Return ``(batch, head, token, head feature)``."""
        return ops.swapaxes(ops.reshape(x, (*ops.shape(x)[:2], self.heads, self.head_features)), 1, 2)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "heads": self.heads, "head_features": self.head_features}


@keras.saving.register_keras_serializable("pix2earth")
class Distances(layers.Layer):
    """Logits of queries against the embeddings of distances: ``(batch, head, token, feature)`` -> ``(..., token)``."""

    def __init__(self, features: int, **kwargs: Any) -> None:
        """Store the number of features of a query."""
        super().__init__(**kwargs)
        self.features = features

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the table."""
        shape = (self.features, 2 * LARGEST_DISTANCE + 1)
        self.table = self.add_weight(name="table", shape=shape, initializer=keras.initializers.RandomNormal(0.0, 1.0))

    def call(self, queries: Any) -> Any:
        """Return the logits; the distance is the position of the query minus that of the key."""
        tokens = ops.shape(queries)[2]
        used = ops.minimum(tokens - 1, LARGEST_DISTANCE)  # of the table; a batch of few images uses little of it
        table = self.table[:, LARGEST_DISTANCE - used : LARGEST_DISTANCE + 1 + used]
        positions = ops.arange(tokens)
        distance = ops.clip(positions[:, None] - positions[None, :], -LARGEST_DISTANCE, LARGEST_DISTANCE) + used
        by_distance = ops.matmul(queries, ops.cast(table, queries.dtype))
        index = ops.broadcast_to(distance, (*ops.shape(queries)[:2], tokens, tokens))
        return ops.take_along_axis(by_distance, index, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "features": self.features}


@keras.saving.register_keras_serializable("pix2earth")
class DepthwiseTokens(layers.Layer):
    """A convolution along the tokens of each channel, with bias, padded with zeros to the same length."""

    def __init__(self, kernel_size: int = KERNEL, **kwargs: Any) -> None:
        """Store the length of the kernel, an odd number."""
        super().__init__(**kwargs)
        self.kernel_size = kernel_size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create kernel (position, 1, channel) and bias."""
        channels = input_shape[-1]
        limit = self.kernel_size**-0.5
        uniform = keras.initializers.RandomUniform(-limit, limit)
        self.kernel = self.add_weight(name="kernel", shape=(self.kernel_size, 1, channels), initializer=uniform)
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def call(self, x: Any) -> Any:
        """Return the convolved tokens."""
        kernel = ops.cast(ops.swapaxes(self.kernel, 1, 2), x.dtype)
        return ops.depthwise_conv(x, kernel, padding="same", data_format="channels_last") + ops.cast(self.bias, x.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "kernel_size": self.kernel_size}


def conformers(x: Any, named: dict[str, Any], name: str, blocks: int, **settings: Any) -> list[Any]:
    """Return the tokens after each module of some blocks in a row; arguments as of ``conformer``.

    Published names of all blocks but the first end in their number.
    """
    found = [x]
    for number in range(blocks):
        found += conformer(found[-1], named, f"{name}.{number}" if number else name, **settings)
    return found[1:]


def conformer(
    x: Any, named: dict[str, Any], name: str, *, heads: int, head_features: int, expansion: int = 4,
    dropout: float = 0.1,
) -> list[Any]:  # fmt: skip
    """Return the tokens after each of the four modules of one conformer block; the last ones are those after the block.

    Args:
        x: ``(batch, token, feature)``.
        named: receives the layers by their published names.
        name: published name of the block.
        heads: of the attention.
        head_features: features of each head.
        expansion: hidden features of the feed-forward and convolution modules, in times the features.
        dropout: share of outputs that are dropped in training.
    """
    first = x + 0.5 * _feed_forward(x, named, f"{name}.ff1.fn", expansion, dropout)
    attention, norm = RelativeAttention(heads, head_features), layers.LayerNormalization(epsilon=1e-5)
    attended = first + layers.Dropout(dropout)(attention(norm(first)))
    named[f"{name}.attn.norm"] = norm
    for part in ("to_q", "to_kv", "to_out", "rel_pos_emb"):
        named[f"{name}.attn.fn.{part}"] = getattr(attention, part)
    convolved = attended + _convolution(attended, named, f"{name}.conv.net", expansion, dropout)
    x = convolved + 0.5 * _feed_forward(convolved, named, f"{name}.ff2.fn", expansion, dropout)
    named[f"{name}.post_norm"] = layers.LayerNormalization(epsilon=1e-5)
    return [first, attended, convolved, named[f"{name}.post_norm"](x)]


def _feed_forward(x: Any, named: dict[str, Any], name: str, expansion: int, dropout: float) -> Any:
    features = x.shape[-1]
    norm, first, second = (
        layers.LayerNormalization(epsilon=1e-5),
        layers.Dense(expansion * features),
        layers.Dense(features),
    )
    named[f"{name}.norm"], named[f"{name}.fn.net.0"], named[f"{name}.fn.net.3"] = norm, first, second
    x = layers.Dropout(dropout)(ops.silu(first(norm(x))))
    return layers.Dropout(dropout)(second(x))


def _convolution(x: Any, named: dict[str, Any], name: str, expansion: int, dropout: float) -> Any:
    """Return the convolution module; after its gated linear unit it has half of the expanded features."""
    features = x.shape[-1]
    parts = {
        "0": layers.LayerNormalization(epsilon=1e-5), "2": layers.Conv1D(expansion * features, 1),
        "4.conv": DepthwiseTokens(), "5": UnbiasedBatchNorm(), "7": layers.Conv1D(features, 1),
    }  # fmt: skip
    named |= {f"{name}.{part}": layer for part, layer in parts.items()}
    values, gates = ops.split(parts["2"](parts["0"](x)), 2, axis=-1)
    x = parts["5"](parts["4.conv"](values * ops.sigmoid(gates)))
    return layers.Dropout(dropout)(parts["7"](ops.silu(x)))
