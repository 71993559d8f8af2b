"""The command ``dataset.py``: messages of ``verify``, contact sheets of ``show``, the table of ``ranges``."""

import matplotlib.image
import numpy as np
import pytest

import dataset as command
from pix2earth.records.manifest import Field, Manifest, Split
from pix2earth.records.writer import DatasetWriter
from tests.pix2earth.record_files import flip_bit, position_of, write_arisgan_record


@pytest.fixture
def folder(tiny_root):
    return tiny_root / "data" / "tiny" / "64"


def run(capfd, *arguments: object) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of the command."""
    with pytest.raises(SystemExit) as ended:
        command.main([str(argument) for argument in arguments])
    return (ended.value.code, *capfd.readouterr())


class TestVerify:
    def test_of_an_intact_dataset_has_status_0(self, folder, capfd):
        status, out, _ = run(capfd, "verify", folder)
        assert (status, out) == (0, "18 records checked, 0 damaged\n")

    def test_of_damaged_records_has_status_1(self, folder, capfd):
        paths = [folder / "train" / "train01.tfrecord", folder / "val" / "val05.tfrecord"]
        for path in paths:
            path.write_bytes(path.read_bytes()[:100])
        status, out, errors = run(capfd, "verify", folder)
        assert (status, out) == (1, "18 records checked, 2 damaged\n")
        assert all(f"{path}: the record is truncated" in errors for path in paths)

    def test_of_no_dataset_is_an_error(self, tmp_path, capfd):
        status, _, errors = run(capfd, "verify", tmp_path / "gone")
        assert status == 2
        assert errors.startswith(f"{tmp_path / 'gone'}: there is no such dataset folder")
        assert errors.count("\n") == 1


class TestShow:
    def test_draws_an_image_and_leaves_the_dataset_unchanged(self, folder, capfd):
        status, out, _ = run(capfd, "show", folder)
        path = folder / "contact_sheet.png"
        assert (status, out) == (0, f"{path}\n")
        image = matplotlib.image.imread(path)
        assert min(image.shape[:2]) > 100
        assert np.ptp(image[..., :3]) > 0.5
        assert run(capfd, "verify", folder)[0] == 0

    def test_takes_an_output_file_and_a_number_of_samples(self, folder, capfd, tmp_path):
        heights = []
        for samples in (1, 4):
            path = tmp_path / "sheets" / f"{samples}.png"
            path.parent.mkdir(exist_ok=True)
            assert run(capfd, "show", folder, "--samples", samples, "--output", path)[0] == 0
            heights.append(matplotlib.image.imread(path).shape[0])
        assert heights[1] > heights[0]

    def test_draws_pools_and_measures_their_ranges(self, tmp_path, capfd):
        image = Field(dtype="uint16", shape=[8, 8, 1], bands=["a"], scale=1e-4, valid_range=(0.0, 1.0))
        manifest = Manifest(
            name="pools", tilesize=8, fields={"input_image": image, "target": image}, split=Split(method="by hand"),
            pools={"dim": ["input_image"], "bright": ["target"]},
        )  # fmt: skip
        with DatasetWriter(tmp_path, manifest) as writer:
            for pool, fields in manifest.pools.items():
                for number in range(3):
                    values = np.random.default_rng(number).integers(1, 9999, (8, 8, 1), "uint16")
                    writer.write("train", f"{pool}-{number}", dict.fromkeys(fields, values))
        folder = tmp_path / "pools" / "8"
        assert run(capfd, "show", folder)[0] == 0 and (folder / "contact_sheet.png").is_file()
        assert run(capfd, "ranges", folder)[0] == 0
        status, _, errors = run(capfd, "ranges", folder, "--samples", 1)
        assert status == 2 and errors.endswith("none of the 1 samples holds input_image; raise --samples\n")

    def test_names_a_damaged_record(self, folder, capfd, tiny_arrays):
        path = folder / "val" / "val00_notinmask.tfrecord"
        flip_bit(path, position_of(path, tiny_arrays["val"]["val00_notinmask"]["target"]))
        status, _, errors = run(capfd, "show", folder)
        assert status == 2
        assert f"{path}: field 'target' does not match its hash" in errors

    def test_draws_records_of_the_original_arisgan_code(self, tmp_path, capfd):
        path = tmp_path / "curated" / "8" / "val" / "a.tfrecord"
        write_arisgan_record(path, raw_s2=np.random.rand(8, 8, 3), raw_s3=np.random.rand(8, 8, 21) * 600)
        assert run(capfd, "show", tmp_path / "curated" / "8")[0] == 0
        assert matplotlib.image.imread(tmp_path / "curated" / "8" / "contact_sheet.png").size > 0

    @pytest.mark.parametrize("samples", ["0", "-1"])
    def test_of_no_samples_is_an_error_without_traceback(self, folder, capfd, samples):
        assert run(capfd, "show", folder, "--samples", samples)[0] == 2


class TestBands:
    def test_prints_the_lexicon(self, capfd):
        status, out, _ = run(capfd, "bands")
        assert status == 0
        rows = {tuple(line.split()[:2]): line for line in out.splitlines()}
        assert rows["sentinel2", "B8A"].split()[-4:] == ["864.7", "21", "reflectance", "1"]
        assert len([key for key in rows if key[0] == "olci"]) == 21


class TestRanges:
    def test_prints_a_table_and_proposals_and_leaves_the_dataset_unchanged(self, folder, tiny_arrays, capfd):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        status, out, _ = run(capfd, "ranges", folder)
        assert (status, out.splitlines()[0]) == (0, "12 of 12 training samples")
        bands = [line.split()[:2] for line in out.splitlines()[2:8]]
        assert bands[:4] == [["input_image", name] for name in ("B02", "B03", "B04", "B08")]
        stored = np.stack([fields["target"] for fields in tiny_arrays["train"].values()])[..., 0]
        row = next(line for line in out.splitlines() if line.split()[:1] == ["target"])
        assert f"{100 * (stored == 0).mean():.1f} %" in row
        assert f"{stored[stored != 0].max() * 1e-4:.4g}" in row.split()
        assert '\ntarget: "valid_range": [' in out
        assert '\ncloud_mask: "valid_range"' not in out
        assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before

    def test_reads_as_many_samples_as_asked(self, folder, capfd):
        assert run(capfd, "ranges", folder, "--samples", 3)[1].startswith("3 of 12 training samples\n")

    def test_of_a_damaged_record_is_an_error(self, folder, capfd):
        path = folder / "train" / "train01.tfrecord"
        path.write_bytes(path.read_bytes()[:100])
        status, _, errors = run(capfd, "ranges", folder)
        assert status == 2
        assert errors.startswith(f"{path}: the record is truncated")
        assert errors.count("\n") == 1
