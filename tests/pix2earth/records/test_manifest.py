"""The manifest ``dataset.json``: its fields, its errors, its fingerprint, and datasets without a manifest."""

import json

import pytest

from pix2earth.records.degradation_schema import Degradation
from pix2earth.records.loading import arisgan_layout, load_manifest
from pix2earth.records.manifest import Field, Manifest, Record, Split, fingerprint
from pix2earth.settings.errors import InvalidData, UserError

RGB = ["B04", "B03", "B02"]


def manifest(**changes) -> Manifest:
    fields = {
        "input_image": Field(dtype="uint16", shape=[3, 8, 8, 3], bands=RGB, scale=1e-4, nodata=0, gsd=30.0),
        "target": Field(dtype="int16", shape=[8, 8, 3], bands=RGB, valid_range=([0.0, 0.5, 1.0], 2.0), rgb=RGB),
        "land_cover": Field(dtype="uint8", shape=[8, 8, 1], kind="classes", bands=["class"]),
    }
    return Manifest(**{"name": "small", "tilesize": 8, "fields": fields, "split": Split(method="scene")} | changes)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "small" / "8"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def refuse(folder):
    """``refuse(*keys, value)``: the lines of the error of a ``dataset.json`` with one changed value."""

    def refused(*keys, value) -> list[str]:
        content = json.loads(manifest().model_dump_json(exclude={"legacy"}))
        inner = content
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        (folder / "dataset.json").write_text(json.dumps(content, indent=1))
        with pytest.raises(UserError) as caught:
            load_manifest(folder, "small")
        return [line.removeprefix(f"{folder}/") for line in caught.value.lines]

    return refused


def test_a_saved_manifest_is_loaded_unchanged(folder):
    saved = manifest(mask="land_cover", records={"train": 3}, fingerprint="sha256:0", description="é")
    saved.save(folder)
    assert load_manifest(folder, "small") == saved


def test_a_manifest_may_have_comments(folder):
    manifest().save(folder)
    path = folder / "dataset.json"
    path.write_text("// by hand\n" + path.read_text())
    assert load_manifest(folder, "small") == manifest()


class TestErrors:
    @pytest.mark.parametrize(
        ("keys", "value", "fault"),
        [
            (("fields", "target", "bands"), ["B04", "B03"], "fields.target: names 2 bands, but the shape has 3"),
            (("fields", "target", "rgb"), ["B04", "B3", "B02"], "fields.target: rgb names band 'B3'; did you mean 'B0"),
            (("fields", "target", "shape"), [8, 3], "fields.target: shape must be (height, width, band)"),
            (("fields", "target", "shape"), [8, 0, 3], "fields.target.shape.1: must be greater than 0, not 0"),
            (("fields", "target", "valid_range"), [[0, 0], 1], "fields.target: valid_range lists 2 bounds for 3 bands"),
            (("fields", "target", "kind"), "picture", "fields.target.kind: must be one of image, mask, classes"),
            (("fields", "target", "gsd"), 0, "fields.target.gsd: must be greater than 0, not 0"),
            (("fields", "target", "scala"), 1, "unknown key 'fields.target.scala'; did you mean 'scale'?"),
            (("tilesize",), "8", "tilesize: must be an integer"),
            (("version",), 2, "version: must be "),
            (("format",), "other", "format: must be "),
            (("records", "trian"), 2, "records.trian"),
        ],
    )  # fmt: skip
    def test_name_file_line_and_key(self, refuse, keys, value, fault):
        (line,) = refuse(*keys, value=value)
        assert line.startswith("dataset.json:")
        assert fault in line

    @pytest.mark.parametrize(
        ("input_size", "gsd", "factor", "fault"),
        [
            (16, None, 4, None), (64, None, 4, None), (21, None, 3, None), (21, 10 * 64 / 21, 3, None),
            (64, 40.0, 4, None), (2, 320.0, 30, None),
            (16, None, 3, "factor 3 makes 21 x 21 of the target's 64 x 64 pixels; the input has 16 x 16"),
            (16, 20.0, 4, r"factor 4 does not fit the gsd of input \(20\) and target \(10\)"),
            (64, 10.0, 4, r"factor 4 does not fit the gsd of input \(10\) and target \(10\)"),
            (64, None, 65, "factor 65 makes 0 x 0"),
        ],
    )  # fmt: skip
    def test_a_degradation_fits_shapes_and_gsd(self, input_size, gsd, factor, fault):
        def image(side, gsd):
            return Field(dtype="uint16", shape=[side, side, 3], bands=RGB, gsd=gsd)

        def made():
            fields = {"input_image": image(input_size, gsd), "target": image(64, 10.0)}
            return manifest(fields=fields, degradation=Degradation(kind="average", factor=factor))

        if fault is None:
            assert made().degradation.size((64, 64)) == (64 // factor, 64 // factor)
        else:
            with pytest.raises(InvalidData, match=f"degradation: {fault}"):
                made()

    def test_a_wrong_degradation_names_its_place(self, refuse):
        (line,) = refuse("degradation", value={"kind": "gaussian", "factor": 4})
        assert line.startswith("dataset.json:") and "degradation: gaussian needs fwhm" in line
        (line,) = refuse("degradation", value={"kind": "average", "factor": 4, "fwmh": 2.0})
        assert "unknown key 'degradation.fwmh'; did you mean 'fwhm'?" in line

    def test_an_unknown_type_names_the_nearest(self, refuse):
        (line,) = refuse("fields", "target", "dtype", value="uint12")
        assert "fields.target.dtype: must be one of " in line
        assert "did you mean 'uint1" in line or "did you mean 'uint32'" in line

    @pytest.mark.parametrize("role", ["input", "target", "mask"])
    def test_a_role_without_a_field_names_the_nearest_field(self, refuse, role):
        (line,) = refuse(role, value="land_covr")
        assert f"{role}: there is no field 'land_covr'; did you mean 'land_cover'?" in line

    @pytest.mark.parametrize("name", ["../target", "a/b", "", "/a"])
    def test_a_field_with_a_path_as_name_is_an_error(self, refuse, name):
        (line,) = refuse("fields", name, value=json.loads(manifest().fields["target"].model_dump_json()))
        assert "must be a plain name" in line

    @pytest.mark.parametrize("name", ["about", "shapes", "farmhash", "draws", "step"])
    def test_a_field_with_a_reserved_name_is_an_error(self, refuse, name):
        (line,) = refuse("fields", name, value=json.loads(manifest().fields["target"].model_dump_json()))
        assert name in line

    @pytest.mark.parametrize("bounds", [[1, 1], [2, 1], [[0, 0, 3], 2]])
    def test_a_range_with_its_lower_end_last_is_an_error(self, refuse, bounds):
        (line,) = refuse("fields", "target", "valid_range", value=bounds)
        assert "fields.target" in line
        assert "valid_range" in line

    @pytest.mark.parametrize(("field", "nodata"), [("input_image", -1), ("input_image", 65536), ("land_cover", 0.5)])
    def test_nodata_that_the_type_cannot_store_is_an_error(self, refuse, field, nodata):
        (line,) = refuse("fields", field, "nodata", value=nodata)
        assert f"fields.{field}" in line
        assert "nodata" in line


class TestFields:
    def test_size_and_time_steps(self):
        fields = manifest().fields
        assert (fields["input_image"].time_steps, fields["input_image"].size) == (3, (8, 8))
        assert (fields["target"].time_steps, fields["target"].size) == (None, (8, 8))

    def test_time_steps_by_their_former_name(self):
        fields = manifest().fields
        assert (fields["input_image"].dates, fields["target"].dates) == (3, None)

    def test_bounds_are_per_band_and_unit_by_default(self):
        fields = manifest().fields
        assert fields["target"].bounds == ([0.0, 0.5, 1.0], [2.0, 2.0, 2.0])
        assert fields["input_image"].bounds == ([0.0] * 3, [1.0] * 3)

    @pytest.mark.parametrize(
        ("bands", "rgb", "indices"),
        [
            (["B02", "B03", "B04", "B08"], RGB, (2, 1, 0)),
            (["B02", "B03", "B04", "B08"], None, (0, 1, 2)),
            (["VV", "VH"], None, (0, 0, 0)),
            (["VV"], ["VV"], (0, 0, 0)),
        ],
    )
    def test_bands_of_images(self, bands, rgb, indices):
        field = Field(dtype="uint8", shape=[4, 4, len(bands)], bands=bands, rgb=rgb)
        assert field.rgb_indices == indices


class TestFolder:
    def test_that_is_not_finished_is_an_error(self, folder):
        manifest().save(folder)
        (folder / "dataset.json.unfinished").touch()
        with pytest.raises(UserError, match="is being written, or writing it was interrupted"):
            load_manifest(folder, "small")

    def test_that_is_missing_lists_existing_ones(self, tmp_path, folder):
        with pytest.raises(UserError, match=r"small/16: .* tile sizes: 8$"):
            load_manifest(tmp_path / "small" / "16", "small")
        with pytest.raises(UserError, match=r"mode/8: .* there are: small$"):
            load_manifest(tmp_path / "mode" / "8", "mode")

    def test_without_manifest_and_records_is_an_error(self, folder):
        with pytest.raises(UserError, match=r"holds neither dataset\.json nor records"):
            load_manifest(folder, "small")

    def test_of_the_original_arisgan_code_has_a_derived_manifest(self, folder):
        (folder / "val").mkdir()
        (folder / "val" / "a.tfrecord").touch()
        derived = load_manifest(folder, "alt12")
        assert derived.legacy
        assert {name: field.shape for name, field in derived.fields.items()} == {
            "raw_s2_alt": [8, 8, 3], "raw_s2": [8, 8, 3],
        }  # fmt: skip

    def test_of_records_without_a_tile_size_as_name_is_an_error(self, tmp_path):
        (tmp_path / "tiles" / "train").mkdir(parents=True)
        (tmp_path / "tiles" / "train" / "a.tfrecord").touch()
        with pytest.raises(UserError, match="tiles"):
            load_manifest(tmp_path / "tiles", "curated")


def test_the_olci_layout_of_the_original_arisgan_code_has_radiance_of_21_bands(folder):
    olci = arisgan_layout(folder, "curated").fields["raw_s3"]
    assert olci.shape == [8, 8, 21]
    assert olci.bands == [f"Oa{number:02d}" for number in range(1, 22)]
    assert olci.units == "mW m-2 sr-1 nm-1"


class TestFingerprint:
    RECORDS = (Record("train", "a", 10, "00000001"), Record("train", "b", 11, "00000002"), Record("val", "a", 9, "03"))

    def test_does_not_depend_on_the_order(self):
        assert fingerprint(self.RECORDS) == fingerprint(reversed(self.RECORDS))

    @pytest.mark.parametrize("change", [{"split": "test"}, {"name": "c"}, {"bytes": 12}, {"crc32c": "00000009"}])
    def test_depends_on_every_part_of_every_record(self, change):
        for index in range(3):
            changed = list(self.RECORDS)
            changed[index] = changed[index]._replace(**change)
            assert fingerprint(changed) != fingerprint(self.RECORDS)

    def test_depends_on_the_number_of_records(self):
        assert len({fingerprint(self.RECORDS[:count]) for count in range(4)}) == 4


def test_score_by_must_have_the_time_steps_of_the_target():
    mask = {"dtype": "uint8", "kind": "mask", "bands": ["gap"]}
    stack = Field(dtype="uint8", shape=[3, 8, 8, 2], bands=["a", "b"])
    others = {"name": "small", "tilesize": 8, "split": Split(method="synthetic"), "input": "target"}
    for shape in ([8, 8, 1], [2, 8, 8, 1]):
        with pytest.raises(ValueError, match="'gap' has not as many time steps as the target"):
            Manifest(fields={"target": stack, "gap": Field(shape=shape, **mask)}, score_by="gap", **others)
    fitting = Manifest(fields={"target": stack, "gap": Field(shape=[3, 4, 4, 1], **mask)}, score_by="gap", **others)
    assert fitting.score_by == "gap"
    with pytest.raises(ValueError, match="score_by: there is no field 'gpa'; did you mean 'gap'"):
        Manifest(fields=fitting.fields, score_by="gpa", **others)
