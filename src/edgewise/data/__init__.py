"""Tables in: CSV, Parquet and data frames become named columns of numbers; rows are split; measured data ships along."""

from edgewise.data.examples import EXAMPLES as EXAMPLES
from edgewise.data.examples import Example as Example
from edgewise.data.examples import load_example as load_example
from edgewise.data.read import read_table as read_table
from edgewise.data.split import split as split
from edgewise.data.table import Table as Table
from edgewise.data.table import to_table as to_table
from edgewise.data.write import write_table as write_table

__all__ = ["EXAMPLES", "Example", "Table", "load_example", "read_table", "split", "to_table", "write_table"]
