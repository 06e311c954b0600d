"""What every page of the panel works with."""

import copy
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web

from config.addresses import parse_networks
from config.settings import Settings
from tracker.guard import LogInGuard
from tracker.model import Account, MessageId, Scope, Session
from tracker.passwords import Passwords
from tracker.permissions import Permission, permissions_of
from tracker.routing import Routes
from tracker.store import Ledger
from web.access import AccessLog, Seen, Watched, kind_of, page_of
from web.client import Proxies
from web.message.live import Live
from web.navigation import navigation_for
from web.notices import read_notice
from web.readiness import Readiness
from web.render import Templates
from web.security import local_path
from web.sessions import LogIns, cookie_name, drop_cookie
from web.static_files import StaticFiles
from web.times import Times
from web.track.filters import is_zone
from web.unread import Unread

ZONE_COOKIE = "sendtrace-zone"
ZONE_KEPT = timedelta(days=365)
"""How long a browser knows the zone that was chosen in it."""
LIST_COOKIE = "sendtrace-list"
"""Carries the last search, so that a message leads back to it; ends with the log-in."""
NOTICE_COOKIE = "sendtrace-notice"
"""Carries what an act came to, from the POST to the page that is shown after it."""


@cache
def _look() -> tuple[StaticFiles, Templates]:
    """Return what is made of files that come with the package: once for all panels of a process."""
    static = StaticFiles()
    return static, Templates(static)


class Panel:
    """The parts that live as long as the application."""

    def __init__(
        self,
        settings: Settings,
        *,
        routes: Routes,
        node: str,
        ledger: Ledger,
        passwords: Passwords,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes],
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.unwatched = ledger
        """For pages that put what they look at on record themselves, or show a number alone."""
        self.passwords = passwords
        self.routes = routes
        self.now = now
        self.entropy = entropy
        self.static, self.templates = _look()
        self.access = AccessLog(ledger, entropy)
        self.guard = LogInGuard(
            ledger,
            limit=settings.panel.login_failures,
            window=settings.panel.login_failure_window,
            now=now,
        )
        self.live = Live(ledger.versions)
        self.unread = Unread(ledger)
        self.readiness = Readiness(ledger, node, settings.state_directory)
        self.proxies = Proxies(
            parse_networks(settings.panel.trusted_proxies),
            serves_tls=settings.panel.certificate is not None,
        )
        self.log_ins = LogIns(
            sessions=ledger,
            accounts=ledger,
            lifetime=settings.panel.session_lifetime,
            entropy=entropy,
        )

    def watched(self, seen: Seen) -> "Panel":
        """Return this panel for one viewer: `seen` is told whose mail they are shown."""
        panel = copy.copy(self)
        panel.ledger = cast("Ledger", Watched(self.ledger, seen))
        return panel


PANEL = web.AppKey("panel", Panel)


def see_other(path: str) -> web.Response:
    """Return the answer that sends a browser to another page of ours with a GET."""
    return web.Response(status=303, headers={"Location": path})


class Viewer(NamedTuple):
    """Who is logged in, and what they may see."""

    account: Account
    session: Session
    scope: Scope

    def may(self, permission: Permission) -> bool:
        """Say whether this viewer may do something; see `tracker.permissions`."""
        return permission in permissions_of(self.account.role)


class Visit:
    """One request: by whom, when, from where and in which time zone."""

    def __init__(self, request: web.Request, panel: Panel) -> None:
        self.request = request
        self.panel = panel
        self.now = panel.now()
        self.secure = panel.proxies.is_secure(request)
        self.client = panel.proxies.client_of(request)
        self.times = Times(ZoneInfo(self._zone()), self.now)
        self.viewer: Viewer | None = None
        self.unread = 0
        """What the bar says is unread, for whoever sees the inbox."""
        self.log = structlog.get_logger()

    def watch(self, viewer: Viewer) -> None:
        """Let `viewer` look; whenever it is at mail of others, that goes on record."""
        self.viewer = viewer
        kind = kind_of(self.request.method, self.request.path)
        page = page_of(kind, self.request.path, self.request.query)

        def seen(account: str, messages: Sequence[MessageId]) -> None:
            if account != viewer.account.address:
                actor = viewer.account.address
                # The page of a message names it.
                shown = () if self.request.path.startswith("/messages/") else messages
                log.note(self.now, actor, self.client, kind, page, account, shown)

        log = self.panel.access
        self.panel = self.panel.watched(seen)

    async def look_for_unread(self, viewer: Viewer) -> None:
        """Learn what the bar of the page has to say."""
        if viewer.may(Permission.SEE_RELAY):
            self.unread = await self.panel.unread.number(self.now)

    def _zone(self) -> str:
        """Return the time zone of the URL, of the cookie or of the settings."""
        cookie = self.request.cookies.get(cookie_name(ZONE_COOKIE, secure=self.secure), "")
        for name in (self.request.query.get("zone", ""), cookie):
            if is_zone(name):
                return name
        return self.panel.settings.panel.time_zone

    @property
    def list_path(self) -> str:
        """The list as it was last searched."""
        path = local_path(self.request.cookies.get(cookie_name(LIST_COOKIE, secure=self.secure)))
        return path if path.startswith("/?") else "/"

    def page(self, template: str, status: int = 200, /, **context: object) -> web.Response:
        """Return a page made of a template; what an act before it came to is told once."""
        notice = cookie_name(NOTICE_COOKIE, secure=self.secure)
        told = self.request.cookies.get(notice)
        text = self.panel.templates.render(
            template,
            {
                "viewer": self.viewer,
                "navigation": self.viewer
                and navigation_for(self.viewer.may, self.request.path, self.unread),
                "times": self.times,
                "path": self.request.path,
                "hostname": self.panel.settings.hostname,
                "csrf": self.viewer.session.csrf_token if self.viewer else "",
                "notice": read_notice(told),
                **context,
            },
        )
        response = web.Response(text=text, status=status, content_type="text/html")
        response.enable_compression()
        if told is not None:
            drop_cookie(response, NOTICE_COOKIE, secure=self.secure)
        return response
