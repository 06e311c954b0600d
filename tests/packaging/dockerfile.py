"""A Dockerfile as far as ours goes: stages of instructions, and what they say."""

import json
import re
import shlex
from pathlib import Path
from typing import NamedTuple


class Instruction(NamedTuple):
    """One instruction, its continuation lines joined."""

    word: str
    rest: str

    @property
    def words(self) -> list[str]:
        """What follows, as a shell would split it."""
        return shlex.split(self.rest)

    @property
    def listed(self) -> list[str]:
        """What follows, or its CMD, in the form that needs no shell."""
        listed: list[str] = json.loads(self.rest[self.rest.index("[") :])
        return listed


class Stage(NamedTuple):
    """A stage of the build: FROM and all that follows it."""

    name: str
    instructions: list[Instruction]

    def all(self, word: str) -> list[Instruction]:
        """Return the instructions of a kind, in their order."""
        return [each for each in self.instructions if each.word == word]

    def only(self, word: str) -> Instruction:
        """Return the one instruction of a kind."""
        (found,) = self.all(word)
        return found


def read_dockerfile(path: Path) -> tuple[dict[str, str], list[Stage]]:
    """Return the values of all ARGs, and the stages with those put in."""
    text = re.sub(r"^#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(None, lines):
        word, _, rest = line.partition(" ")
        rest = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], rest.strip())
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            stages.append(Stage(rest.partition(" AS ")[2], []))
        if stages:
            stages[-1].instructions.append(Instruction(word, rest))
    return arguments, stages
