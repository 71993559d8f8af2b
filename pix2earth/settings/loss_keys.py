"""The attributes of an experiment by which plug-ins know the weights of losses, and which of them have been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pix2earth.settings.optimization import LossWeight

if TYPE_CHECKING:
    from pix2earth.settings.schema import ExperimentFile


class LossDict(dict[str, Any]):
    """Weights by the name of the loss, with a record of what was read: a weight that no plug-in reads has no effect.

    Attributes:
        read: names whose weight was read.
    """

    def __init__(self, *values: Any) -> None:
        """Take the weights as ``dict`` does; nothing has been read yet."""
        super().__init__(*values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        """Return a weight, which has been read then."""
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a weight or a default; it has been read then."""
        self.read.add(name)
        return super().get(name, default)

    def items(self) -> Any:
        """Return all names and weights, which have been read then."""
        self.read.update(self)
        return super().items()

    def values(self) -> Any:
        """Return all weights, which have been read then."""
        self.read.update(self)
        return super().values()


class LossKeys:
    """Weights of losses as attributes of an experiment.

    Attributes:
        smoothing_read: whether ``LABEL_SMOOTHING`` was read.
        weights: weights by key and name of the loss.
    """

    settings: ExperimentFile

    def take_losses(self, settings: ExperimentFile) -> None:
        """Take the weights of the settings, of losses that begin later the full ones; nothing has been read yet."""
        self.smoothing_read = False
        full = {
            name: weight.weight if isinstance(weight, LossWeight) else weight
            for name, weight in settings.gen_loss.items()
        }
        self.weights = {"gen_loss": LossDict(full), "disc_loss": LossDict(settings.disc_loss)}

    def declare_losses(self, key: str, defaults: dict[str, float | None], *, keep_unnamed: bool) -> None:
        """Add the losses that a plug-in computes itself.

        Args:
            key: "gen_loss" or "disc_loss".
            defaults: weights of those that the experiment does not name.
            keep_unnamed: compute losses of weight 0 too that the experiment does not name, as the original ARISGAN code
                does.
        """
        weights = dict(self.weights[key])
        if not keep_unnamed:
            named = self.settings.named_losses(key)
            weights |= {name: None for name, weight in weights.items() if weight == 0 and name not in named}
        self.weights[key] = LossDict({**defaults, **weights})

    @property
    def GEN_LOSS(self) -> dict[str, Any]:
        """Weights of the generator's losses by name."""
        return self.weights["gen_loss"]

    @GEN_LOSS.setter
    def GEN_LOSS(self, weights: dict[str, Any]) -> None:
        self.weights["gen_loss"] = LossDict(weights)

    @property
    def DISC_LOSS(self) -> dict[str, Any]:
        """Weights of the discriminator's losses by name."""
        return self.weights["disc_loss"]

    @DISC_LOSS.setter
    def DISC_LOSS(self, weights: dict[str, Any]) -> None:
        self.weights["disc_loss"] = LossDict(weights)

    @property
    def LABEL_SMOOTHING(self) -> float:
        """How much the label of a target is below 1."""
        self.smoothing_read = True
        return self.settings.label_smoothing
