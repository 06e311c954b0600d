"""Many rows as one parameter for each column, which the server makes rows of again."""

from collections.abc import Iterable, Mapping, Sequence

from tracker.sql.rows import Columns

Arrays = Sequence[Sequence[object]]


class Columnar:
    """Named columns with their types, e.g. `{"id": "text", "size": "bigint"}`."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = dict(columns)

    @property
    def names(self) -> str:
        """The columns as a list of SQL."""
        return ", ".join(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def unnest(self, alias: str, first: int) -> str:
        """Return the rows as an item of FROM; their arrays are the parameters from $first on."""
        arrays = (f"${n}::{type_}[]" for n, type_ in enumerate(self._columns.values(), first))
        return f"unnest({', '.join(arrays)}) AS {alias} ({self.names})"

    def arrays(self, rows: Iterable[Columns]) -> Arrays:
        """Return the parameters that `unnest` makes these rows of."""
        return list(zip(*rows, strict=True)) or [()] * len(self)
