"""Which page is where, and who may open it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from aiohttp import web

from web.panel import Viewer, Visit
from web.views import accounts, health, log_in, metrics, queue, relay, story, track

PublicPage = Callable[[Visit], Awaitable[web.StreamResponse]]
PrivatePage = Callable[[Visit, Viewer], Awaitable[web.StreamResponse]]


class PublicRoute(NamedTuple):
    """A page for everybody."""

    method: str
    path: str
    page: PublicPage


class PrivateRoute(NamedTuple):
    """A page for those who are logged in."""

    method: str
    path: str
    page: PrivatePage
    admins_only: bool = False


PUBLIC: Final[Sequence[PublicRoute]] = (
    PublicRoute("GET", "/login", log_in.show_form),
    PublicRoute("POST", "/login", log_in.log_in),
    PublicRoute("GET", "/healthz", health.say_alive),
    PublicRoute("GET", "/readyz", health.say_ready),
    PublicRoute("GET", "/metrics", metrics.show_metrics),
)

PRIVATE: Final[Sequence[PrivateRoute]] = (
    PrivateRoute("GET", "/", track.show_list),
    PrivateRoute("GET", "/messages/{id}", story.show_message),
    PrivateRoute("POST", "/messages/{id}/retry", story.retry),
    PrivateRoute("POST", "/messages/{id}/release", story.release),
    PrivateRoute("GET", "/messages/{id}/cancel", story.confirm_cancel),
    PrivateRoute("POST", "/messages/{id}/cancel", story.cancel),
    PrivateRoute("GET", "/queue", queue.show_queue),
    PrivateRoute("POST", "/logout", log_in.log_out),
    PrivateRoute("GET", "/destinations", relay.show_destinations, admins_only=True),
    PrivateRoute("GET", "/nodes", relay.show_nodes, admins_only=True),
    PrivateRoute("GET", "/balance", relay.show_balance, admins_only=True),
    PrivateRoute("GET", "/accounts", accounts.show_accounts, admins_only=True),
    PrivateRoute("POST", "/accounts", accounts.add, admins_only=True),
    PrivateRoute("GET", "/accounts/{address}", accounts.show_account, admins_only=True),
    PrivateRoute(
        "POST", "/accounts/{address}/password", accounts.change_password, admins_only=True
    ),
    PrivateRoute("POST", "/accounts/{address}/role", accounts.change_role, admins_only=True),
    PrivateRoute("GET", "/accounts/{address}/remove", accounts.confirm_removal, admins_only=True),
    PrivateRoute("POST", "/accounts/{address}/remove", accounts.remove, admins_only=True),
)
