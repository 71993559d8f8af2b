"""Grounds without what a check does not look at, and the commands as people run them."""

import pytest

from synthetic.configuration import Ground, Size

PLAIN = {
    "parcels": {}, "rivers": 0.0, "roads": 0, "edge_warp_px": 0.0, "texture": 0.0, "instance_variation": 0.0,
}  # fmt: skip


@pytest.fixture(scope="session")
def plain():
    """``plain(side=256, **settings)``: straight whole cells, all alike within a class; settings switch things on."""

    def ground(side: int = 256, **settings) -> Ground:
        return Ground(**{"size": Size(width=side, height=side), **PLAIN, **settings})

    return ground


@pytest.fixture
def command(capsys):
    """``command(*words)``: run ``python -m synthetic`` here; return its exit status and its lines on stderr."""
    from synthetic.__main__ import main

    def run(*words) -> tuple[int, list[str]]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in words])
        lines = capsys.readouterr().err.splitlines()
        return end.value.code, [line for line in lines if " s left" not in line]

    return run
