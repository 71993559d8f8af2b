"""Value transforms: network values are those of NumPy, and predictions come back in physical units."""

import numpy as np
import pytest
import tensorflow as tf

from pix2earth.batches.preparation import physical, prepare
from pix2earth.records.manifest import Field
from pix2earth.settings.errors import InvalidData, UserError

SIDE = 64
KELVIN = {"dtype": "float32", "shape": [SIDE, SIDE, 2], "bands": ["a", "b"], "valid_range": ([1.0, 10.0], [1e4, 1e3])}
LOW, HIGH = np.array([1.0, 10.0]), np.array([1e4, 1e3])
VALUES = np.exp(np.random.default_rng(1).uniform(np.log(0.2), np.log(5e4), (2, SIDE, SIDE, 2))).astype("float32")

FUNCTIONS = {"linear": lambda x: x, "log10": np.log10, "asinh": lambda x: np.arcsinh(x / 50)}


def transform(kind, **keys):
    return {"kind": kind, **({"softening": 50.0} if kind == "asinh" else {}), **keys}


@pytest.fixture
def prepared(experiment_of):
    """``prepared(transform, values, **settings)``: experiment and network values of the target."""

    def of(stated, values=VALUES, *, in_manifest=True, **settings):
        field = Field(**KELVIN, **({"transform": stated} if in_manifest else {}))
        settings |= {} if in_manifest else {"transforms": {"target": stated}}
        source = Field(**KELVIN)
        experiment = experiment_of({"input_image": source, "target": field}, tilesize=SIDE, **settings)
        batch = {"input_image": tf.constant(values), "target": tf.constant(values)}
        return experiment, prepare(batch, experiment)["target"].numpy()

    return of


@pytest.mark.parametrize("normalize", ["symmetric", "unit"])
@pytest.mark.parametrize("kind", FUNCTIONS)
@pytest.mark.parametrize("saturate", [True, False])
def test_network_values_and_their_inverse(prepared, kind, normalize, saturate):
    experiment, values = prepared(transform(kind, saturate=saturate), normalize=normalize)
    bounded = np.clip(VALUES, LOW, HIGH) if saturate else np.maximum(VALUES, LOW) if kind == "log10" else VALUES
    function = FUNCTIONS[kind]
    share = (function(bounded.astype("float64")) - function(LOW)) / (function(HIGH) - function(LOW))
    expected = 2 * share - 1 if normalize == "symmetric" else share
    np.testing.assert_allclose(values, expected, atol=2e-5, rtol=1e-5)
    field = experiment.manifest.fields["target"]
    np.testing.assert_allclose(physical(tf.constant(values), field, experiment), bounded, rtol=3e-4, atol=1e-3)
    assert experiment.DATA_RANGE == {"symmetric": 2.0, "unit": 1.0}[normalize]


def test_without_scaling_the_range_is_that_of_transformed_values(prepared):
    experiment, values = prepared(transform("log10"), normalize="none")
    assert experiment.DATA_RANGE == pytest.approx(4.0)
    np.testing.assert_allclose(values, np.log10(np.maximum(VALUES, LOW)), atol=1e-5)


@pytest.mark.parametrize(("missing", "becomes"), [(None, -1.0), (100.0, 0.0)])
def test_missing_values(prepared, missing, becomes):
    values = VALUES.copy()
    values[0, 3, 4] = np.nan
    _, network = prepared(transform("log10", missing=missing), values)
    assert network[0, 3, 4, 0] == pytest.approx(becomes, abs=1e-6) and np.isfinite(network).all()


def test_an_experiment_states_another_transform(prepared):
    stated, of_dataset = transform("asinh"), prepared(transform("asinh"))[1]
    experiment, of_experiment = prepared(stated, in_manifest=False)
    np.testing.assert_array_equal(of_experiment, of_dataset)
    assert experiment.manifest.fields["input_image"].transform is None
    assert experiment.resolved()["transforms"]["target"]["kind"] == "asinh"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"transforms": {"targt": {"kind": "asinh"}}},
            "transforms.targt: there is no field 'targt'; did you mean 'target'",
        ),
        ({"transforms": {"cloud_mask": {"kind": "asinh"}}}, "transforms.cloud_mask: .*only images are transformed"),
        ({"transforms": {"target": {"kind": "log10"}}}, "transforms.target: .*log10 needs a valid_range above 0"),
        ({"transforms": {"target": {"kind": "asinh"}}, "normalize": "l2"}, '"l2" cannot be undone'),
        ({"transforms": {"target": {"kind": "ln"}}}, "kind"),
    ],
)
def test_errors_are_one_line(tiny_root, open_tiny, settings, message):
    with pytest.raises(UserError, match=message) as caught:
        open_tiny(tiny_root, "x", **settings)
    assert len(str(caught.value).splitlines()) == 1


def test_a_range_that_log10_cannot_take_is_refused_in_a_manifest():
    with pytest.raises(InvalidData, match="log10 needs a valid_range above 0"):
        Field(dtype="float32", shape=[8, 8, 1], bands=["a"], transform={"kind": "log10"})
