"""The attributes of an experiment by which plug-ins know the weights of losses, and which of them have been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pix2earth.settings.optimization import LossWeight

if TYPE_CHECKING:
    from pix2earth.settings.schema import ExperimentFile


class LossKeys:
    """Weights of losses, with a record of what was read: a key that no plug-in reads has no effect.

    Attributes:
        read: names of the keys that were read.
    """

    settings: ExperimentFile

    def take_losses(self, settings: ExperimentFile) -> None:
        """Take the weights of the settings, of losses that begin later the full ones; nothing has been read yet."""
        self.read: set[str] = set()
        self._gen_loss: dict[str, Any] = {
            name: weight.weight if isinstance(weight, LossWeight) else weight
            for name, weight in settings.gen_loss.items()
        }
        self._disc_loss: dict[str, Any] = dict(settings.disc_loss)

    @property
    def GEN_LOSS(self) -> dict[str, Any]:
        """Weights of the generator's losses by name."""
        self.read.add("gen_loss")
        return self._gen_loss

    @GEN_LOSS.setter
    def GEN_LOSS(self, weights: dict[str, Any]) -> None:
        self._gen_loss = weights

    @property
    def DISC_LOSS(self) -> dict[str, Any]:
        """Weights of the discriminator's losses by name."""
        self.read.add("disc_loss")
        return self._disc_loss

    @DISC_LOSS.setter
    def DISC_LOSS(self, weights: dict[str, Any]) -> None:
        self._disc_loss = weights

    @property
    def LABEL_SMOOTHING(self) -> float:
        """How much the label of a target is below 1."""
        self.read.add("label_smoothing")
        return self.settings.label_smoothing
