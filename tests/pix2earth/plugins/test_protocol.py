"""The interface as a type names what the toolkit looks for, and the worked plug-ins keep to it."""

import inspect

import pytest

from experiment import PROJECT
from pix2earth.batches.excluded_augmentation import OFF
from pix2earth.plugins import declared, own_losses, protocol

PLUG_INS = sorted((PROJECT / "docs" / "plug-ins").glob("*.py"))


def test_optional_attributes_are_those_that_are_read():
    stated = set(inspect.get_annotations(protocol.PlugIn)) - {"generator", "generator_optimizer"}
    assert stated == {"sampling", "excluded_augmentation", *(name for name, _ in own_losses.ATTRIBUTES.values())}
    assert protocol.PlugIn.sampling == declared.SAMPLINGS[0]
    source = inspect.getsource(protocol)
    assert all(f'"{name}"' in source for name in (*declared.SAMPLINGS, *OFF))


@pytest.mark.parametrize("path", PLUG_INS, ids=lambda path: path.stem)
def test_worked_plug_ins_are_read_from_their_source(path):
    found = declared.declared(path, PROJECT)
    stated = inspect.get_annotations(protocol.PlugIn)
    assert set(found.literals) - {"from_logits", "adam_settings"} <= set(stated)  # of the base class
    assert "input_image" in found.parameters["train_step"]
