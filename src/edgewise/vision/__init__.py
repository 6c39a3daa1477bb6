"""Networks for pictures: convolutions of functions, and evidence that adds up."""

from edgewise.vision.certify import CertifiedRadius as CertifiedRadius
from edgewise.vision.certify import certified_radius as certified_radius
from edgewise.vision.classifier import ImageClassifier as ImageClassifier
from edgewise.vision.drawing import plot_evidence as plot_evidence
from edgewise.vision.drawing import plot_feature as plot_feature
from edgewise.vision.edits import FeatureEdit as FeatureEdit
from edgewise.vision.edits import edit_feature as edit_feature
from edgewise.vision.edits import leave_out_region as leave_out_region
from edgewise.vision.evidence import Evidence as Evidence
from edgewise.vision.features import FeatureUse as FeatureUse
from edgewise.vision.flat import as_kan as as_kan
from edgewise.vision.networks import ImageConfig as ImageConfig
from edgewise.vision.networks import build as build
from edgewise.vision.pictures import read_folder as read_folder
from edgewise.vision.training import ImageRecipe as ImageRecipe

__all__ = [
    "CertifiedRadius",
    "Evidence",
    "FeatureEdit",
    "FeatureUse",
    "ImageClassifier",
    "ImageConfig",
    "ImageRecipe",
    "as_kan",
    "build",
    "certified_radius",
    "edit_feature",
    "leave_out_region",
    "plot_evidence",
    "plot_feature",
    "read_folder",
]
