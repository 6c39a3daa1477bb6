"""Tables in: CSV, Excel, Parquet, Feather, data frames become named columns; rows are split; measured data ships along."""

from edgewise.data.encoding import Encoding as Encoding
from edgewise.data.encoding_columns import DroppedColumn as DroppedColumn
from edgewise.data.encoding_columns import LevelColumn as LevelColumn
from edgewise.data.encoding_columns import NumberColumn as NumberColumn
from edgewise.data.encoding_learn import learn_encoding as learn_encoding
from edgewise.data.examples import EXAMPLES as EXAMPLES
from edgewise.data.examples import Example as Example
from edgewise.data.examples import load_example as load_example
from edgewise.data.frames import Decision as Decision
from edgewise.data.frames import Provenance as Provenance
from edgewise.data.frames import provenance as provenance
from edgewise.data.frames import to_frame as to_frame
from edgewise.data.read import read_frame as read_frame
from edgewise.data.read import read_table as read_table
from edgewise.data.split import split as split
from edgewise.data.table import Table as Table
from edgewise.data.table import to_table as to_table
from edgewise.data.write import write_frame as write_frame
from edgewise.data.write import write_table as write_table

__all__ = [
    "EXAMPLES",
    "Decision",
    "DroppedColumn",
    "Encoding",
    "Example",
    "LevelColumn",
    "NumberColumn",
    "Provenance",
    "Table",
    "learn_encoding",
    "load_example",
    "provenance",
    "read_frame",
    "read_table",
    "split",
    "to_frame",
    "to_table",
    "write_frame",
    "write_table",
]
