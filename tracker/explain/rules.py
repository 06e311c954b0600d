"""What a rule is: one thing that a server says, and what it means."""

import re
from functools import cached_property

from tracker.explain.category import Category


class Rule:
    """Replies whose text matches `pattern` belong to `category`; `example` is one that must.

    `source` says where the wording or the meaning of a code is documented or was seen.
    """

    def __init__(
        self, name: str, category: Category, pattern: str, *, example: str, source: str
    ) -> None:
        self.name = name
        self.category = category
        self.example = example
        self.source = source
        self._pattern = pattern

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._pattern, re.IGNORECASE)

    def matches(self, text: str) -> bool:
        """Say whether `text`, a reply on one line, is one of this rule's."""
        return self._compiled.search(text) is not None
