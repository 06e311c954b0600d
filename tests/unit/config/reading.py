"""Loading texts and catching what is wrong with them."""

from collections.abc import Callable

import pytest

from config.errors import ConfigError, Problem
from config.loader import Loaded

Load = Callable[..., Loaded]


def problems_of(loading: Callable[[], object]) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        loading()
    return caught.value.problems
