"""Templates to text: compiled once, escaped always, nothing hidden in what they show."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tracker.mailbox import in_letters
from tracker.nodes import clock_of
from web.insight.destination import destination_url
from web.message.cohort import say_count
from web.static_files import StaticFiles
from web.times import count, in_days, length
from web.visible import show, show_line

_FOLDER: Final = Path(__file__).parent / "templates"


def _finalize(value: object) -> object:
    """Make every text that a template prints safe for the eye; escaping comes after it."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return show(value)


class Templates:
    """Every template of the panel."""

    def __init__(self, static: StaticFiles) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(_FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            finalize=_finalize,
        )
        self._environment.globals["static"] = static.url
        self._environment.filters.update(
            line=show_line,
            span=length,
            count=count,
            day=in_days,
            clock=clock_of,
            messages=say_count,
            place_url=destination_url,
            letters=in_letters,
        )
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def render(self, name: str, context: dict[str, object]) -> str:
        """Return the page that the template `name` makes of `context`."""
        return self._environment.get_template(name).render(context)
