"""What the tests of the configuration share."""

from pathlib import Path

import pytest

from config.loader import Loaded, load
from tests.unit.config.reading import Load


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    """Load TOML text, with variables as keywords."""

    def loading(text: str, **environ: str) -> Loaded:
        path = tmp_path / "given.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ)

    return loading
