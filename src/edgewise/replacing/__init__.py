"""Networks of functions in the place of the feed-forward blocks of any torch model."""

from edgewise.replacing.pruning import prune_blocks as prune_blocks
from edgewise.replacing.replace import replace_mlp as replace_mlp
from edgewise.replacing.results import ReplacedBlock as ReplacedBlock
from edgewise.replacing.results import ReplaceResult as ReplaceResult
from edgewise.replacing.tracing import Block as Block
from edgewise.replacing.tracing import find_blocks as find_blocks

__all__ = [
    "Block",
    "ReplaceResult",
    "ReplacedBlock",
    "find_blocks",
    "prune_blocks",
    "replace_mlp",
]
