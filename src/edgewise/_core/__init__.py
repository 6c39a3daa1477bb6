"""What every room shares: errors, argument checks and seeds."""

from edgewise._core.checks import among as among
from edgewise._core.checks import as_tuple as as_tuple
from edgewise._core.checks import check_bool as check_bool
from edgewise._core.checks import check_choice as check_choice
from edgewise._core.checks import check_columns as check_columns
from edgewise._core.checks import check_float as check_float
from edgewise._core.checks import check_int as check_int
from edgewise._core.checks import check_matrix as check_matrix
from edgewise._core.checks import check_names as check_names
from edgewise._core.checks import check_vector as check_vector
from edgewise._core.checks import did_you_mean as did_you_mean
from edgewise._core.checks import plural as plural
from edgewise._core.checks import short as short
from edgewise._core.errors import EdgewiseError as EdgewiseError
from edgewise._core.errors import FileError as FileError
from edgewise._core.errors import InputError as InputError
from edgewise._core.errors import NumericEdgesError as NumericEdgesError
from edgewise._core.seeds import derive as derive
from edgewise._core.seeds import generator as generator
from edgewise._core.seeds import numpy_generator as numpy_generator
from edgewise._core.stopping import StopReason as StopReason

__all__ = [
    "EdgewiseError",
    "FileError",
    "InputError",
    "NumericEdgesError",
    "StopReason",
    "among",
    "as_tuple",
    "check_bool",
    "check_choice",
    "check_columns",
    "check_float",
    "check_int",
    "check_matrix",
    "check_names",
    "check_vector",
    "derive",
    "did_you_mean",
    "generator",
    "numpy_generator",
    "plural",
    "short",
]
