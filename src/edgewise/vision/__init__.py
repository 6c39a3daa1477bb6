"""Networks for pictures: convolutions of functions, and evidence that adds up."""

from edgewise.vision.classifier import ImageClassifier as ImageClassifier
from edgewise.vision.config import ImageConfig as ImageConfig
from edgewise.vision.drawing import plot_evidence as plot_evidence
from edgewise.vision.evidence import Evidence as Evidence
from edgewise.vision.networks import build as build
from edgewise.vision.pictures import read_folder as read_folder
from edgewise.vision.training import ImageRecipe as ImageRecipe

__all__ = [
    "Evidence",
    "ImageClassifier",
    "ImageConfig",
    "ImageRecipe",
    "build",
    "plot_evidence",
    "read_folder",
]
