"""Tables in: CSV, Excel, Parquet, Feather, data frames become named columns; rows are split; measured data ships along."""

from edgewise._core.lazy import attach

__getattr__, __dir__ = attach(__name__)
