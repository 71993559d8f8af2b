"""Losses take by name what a batch has, lists of discriminator outputs, and a plug-in's own terms."""

import numpy as np
import pytest
import tensorflow as tf

import losses
from losses import discriminator_loss, generator_loss

IMAGE = tf.zeros((1, 4, 4, 2))


@pytest.fixture
def table(monkeypatch, tmp_path):
    """A loss that names a field of the batch, and one with a default."""
    (tmp_path / "mine.py").write_text(
        "def of_class(gen_output, land_cover): return 1.0 * land_cover.shape[-1]\n"
        "def optional(gen_output, features=None): return 0.0 if features is None else features[1]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entries = {"gen_class": "mine:of_class", "gen_optional": "mine:optional"}
    monkeypatch.setattr(losses, "GENERATOR_LOSSES", losses.GENERATOR_LOSSES | entries)


def test_a_field_of_the_batch(table):
    fields = {"land_cover": tf.zeros((1, 4, 4, 3), tf.int32), "features": [1.0, 7.0]}
    _, terms = generator_loss(None, IMAGE, IMAGE, {"gen_class": 1.0, "gen_optional": 1.0}, fields=fields)
    assert {name: float(value) for name, value in terms.items()} == {"gen_class": 3.0, "gen_optional": 7.0}


def test_what_is_not_there(table):
    _, terms = generator_loss(None, IMAGE, IMAGE, {"gen_optional": 1.0})
    assert float(terms["gen_optional"]) == 0
    with pytest.raises(ValueError, match="loss 'gen_class' asks for land_cover, which there is not: data_range, "):
        generator_loss(None, IMAGE, IMAGE, {"gen_class": 1.0})


def test_a_discriminator_of_several_scales():
    random = np.random.default_rng(0)
    real, fake = ([random.normal(size=(2, side, side, 1)).astype("float32") for side in (8, 4)] for _ in range(2))
    _, terms = discriminator_loss(real, fake, {"disc_lsgan": 1.0})
    expected = np.mean([0.5 * (((r - 1) ** 2).mean() + (f**2).mean()) for r, f in zip(real, fake, strict=True)])
    assert float(terms["disc_lsgan"]) == pytest.approx(expected, rel=1e-6)
    _, terms = generator_loss(fake, IMAGE, IMAGE, {"gen_wstein": 1.0})
    assert float(terms["gen_wstein"]) == pytest.approx(-np.mean([f.mean() for f in fake]), rel=1e-5)


def test_terms_of_a_plug_in_are_weighted_as_others():
    own = {"gen_cycle": tf.constant(3.0), "gen_unused": tf.constant(5.0)}
    total, terms = generator_loss(None, IMAGE, IMAGE + 1, {"gen_l1": 2.0, "gen_cycle": 10.0}, terms=own)
    assert float(total) == 2 * 1 + 10 * 3 and list(terms) == ["gen_l1", "gen_cycle"]
    with pytest.raises(ValueError, match="unknown loss 'gen_cylce': did you mean 'gen_cycle'"):
        generator_loss(None, IMAGE, IMAGE, {"gen_cylce": 1.0}, terms=own)


def test_a_default_of_weight_0_needs_no_discriminator():
    """Plug-ins get such weights where an experiment does not name the loss."""
    total, terms = generator_loss(None, IMAGE, IMAGE + 1, {"gen_l1": 2.0, "gen_gan": 0.0, "gen_nll": 0})
    assert float(total) == 2 and list(terms) == ["gen_l1"]
    with pytest.raises(ValueError, match="loss 'gen_gan' asks for disc_generated_output, which there is not"):
        generator_loss(None, IMAGE, IMAGE, {"gen_gan": 1.0})
