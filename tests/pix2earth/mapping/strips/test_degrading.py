"""``--degrade`` on a scene makes the inputs that the importer of the demo dataset wrote of the same pixels."""

import json

import numpy as np
import pytest
from rasterio.transform import rowcol

from experiment import PROJECT
from pix2earth.mapping.inference import Batch, Network
from pix2earth.mapping.opening import open_scene
from pix2earth.mapping.scene import validity
from pix2earth.records.format import read
from preprocessing import samples

SIDE = 96
SCENE = PROJECT / "samples" / "s2_18svg"


@pytest.mark.slow
@pytest.mark.parametrize("options", [("--factor", "3"), ("--factor", "6"), ("--factor", "4", "--fwhm", "4.8")])
def test_degraded_windows_are_the_inputs_of_the_records(tmp_path, open_tiny, namespace_of, options):
    environment = tmp_path / "environment.json"
    environment.write_text(json.dumps({"data_root": str(tmp_path / "data")}))
    with pytest.raises(SystemExit) as ended:
        samples.main(["--env", str(environment), "--tilesize", str(SIDE), *options])
    assert ended.value.code == 0
    experiment = open_tiny(tmp_path, "demo", dataset="demo", tilesize=SIDE, normalize="none")
    scene, geometry = open_scene([SCENE], None, experiment, degrade=True)
    network = Network(experiment, namespace_of(lambda image: image), tmp_path / "x.py", geometry)
    factor, paths = int(options[1]), sorted((tmp_path / "data/demo" / str(SIDE)).glob("*/18svg_*.tfrecord"))
    for path in paths[::24]:
        fields, about = read(path, experiment.manifest)
        a, _, left, _, e, top = about["transform"]
        row, column = rowcol(scene.transform, left + a / 2, top + e / 2)
        window = scene.read(row, column, SIDE, SIDE)
        (output,) = network.predict(Batch([window], [validity(window, 1)], {}, 1))
        stored = np.rint(output / 1e-4)
        assert np.array_equal(stored, fields["input_image"].repeat(factor, 0).repeat(factor, 1))
