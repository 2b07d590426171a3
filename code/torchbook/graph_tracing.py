# Generated from chapters/zh/09-graphs.qmd: edit there.
# Checksum 19494b39d105: a change made here is refused, not lost.
# %% graphs-watch
"""Ways to see what torch.compile captures."""

from collections.abc import Callable
from typing import Any

import torch
from torch.fx import GraphModule


def watch(
    f: Callable[..., Any],
) -> tuple[Callable[..., Any], list[GraphModule]]:
    """Return f compiled, and a list that fills with captured graphs.

    The graphs run as they are, without optimization, so no compiler is
    needed. Source: "Custom Backends" in the PyTorch documentation.
    """
    graphs: list[GraphModule] = []

    def keep(
        graph: GraphModule, inputs: list[Any]
    ) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    return torch.compile(f, backend=keep), graphs
