"""Which page is where, and who may open it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from aiohttp import web

from tracker.permissions import Permission
from web.panel import Viewer, Visit
from web.views import (
    access,
    accounts,
    acts,
    again,
    destination,
    destinations,
    explain,
    health,
    help,
    inbox,
    live,
    log_in,
    metrics,
    newer,
    overview,
    own,
    privacy,
    probes,
    proof,
    queue,
    refused,
    relay,
    rules,
    searches,
    story,
    suppressions,
    track,
)

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
    needs: Permission | None
    """Whoever lacks it gets the answer of a page that does not exist. With None it is for all:
    what they see on it is what is in their scope."""


PUBLIC: Final[Sequence[PublicRoute]] = (
    PublicRoute("GET", "/login", log_in.show_form),
    PublicRoute("POST", "/login", log_in.log_in),
    PublicRoute("GET", "/healthz", health.say_alive),
    PublicRoute("GET", "/readyz", health.say_ready),
    PublicRoute("GET", "/handover-key", proof.show_key),
    PublicRoute("GET", "/metrics", metrics.show_metrics),
)

PRIVATE: Final[Sequence[PrivateRoute]] = (
    PrivateRoute("GET", "/", track.show_list, None),
    PrivateRoute("GET", "/newer", newer.show_newer, None),
    PrivateRoute("GET", "/help", help.show_help, None),
    PrivateRoute("POST", "/help/keys", help.switch_keys, None),
    PrivateRoute("GET", "/searches", searches.show_searches, None),
    PrivateRoute("POST", "/searches", searches.save, None),
    PrivateRoute("POST", "/searches/{search}", searches.change, None),
    PrivateRoute("POST", "/searches/{search}/remove", searches.remove, None),
    PrivateRoute("GET", "/messages/{id}", story.show_message, None),
    PrivateRoute("GET", "/messages/{id}/handover.json", proof.show_document, None),
    PrivateRoute("GET", "/messages/{id}/handover.pdf", proof.show_paper, None),
    PrivateRoute("GET", "/messages/{id}/live", live.watch_message, None),
    PrivateRoute("POST", "/messages/{id}/retry", story.retry, Permission.ACT),
    PrivateRoute("POST", "/messages/{id}/release", story.release, Permission.ACT),
    PrivateRoute("GET", "/messages/{id}/send-again", again.ask, Permission.ACT),
    PrivateRoute("POST", "/messages/{id}/send-again", again.send, Permission.ACT),
    PrivateRoute("GET", "/messages/{id}/probe", probes.ask_about_message, Permission.ACT),
    PrivateRoute("POST", "/messages/{id}/probe", probes.probe_for_message, Permission.ACT),
    PrivateRoute("GET", "/probe", probes.ask_about_address, Permission.ACT),
    PrivateRoute("POST", "/probe", probes.probe_address, Permission.ACT),
    PrivateRoute("GET", "/errands/{id}", probes.show, Permission.ACT),
    PrivateRoute("GET", "/queue", queue.show_queue, None),
    PrivateRoute("GET", "/refused", refused.show_refused, None),
    PrivateRoute("GET", "/explain", explain.show_page, None),
    PrivateRoute("GET", "/api/v1/explain", explain.tell, None),
    PrivateRoute("GET", "/acts", acts.show_all, Permission.ACT),
    PrivateRoute("POST", "/acts", acts.plan, Permission.ACT),
    PrivateRoute("GET", "/acts/new", acts.ask, Permission.ACT),
    PrivateRoute("GET", "/acts/{id}", acts.show, Permission.ACT),
    PrivateRoute("POST", "/acts/{id}/stop", acts.call_off, Permission.ACT),
    PrivateRoute("POST", "/acts/{id}/pause", acts.pause, Permission.ACT),
    PrivateRoute("POST", "/acts/{id}/resume", acts.resume, Permission.ACT),
    PrivateRoute("POST", "/acts/{id}/undo", acts.undo, Permission.ACT),
    PrivateRoute("GET", "/suppressions", suppressions.show, Permission.ACT),
    PrivateRoute("POST", "/suppressions", suppressions.add, Permission.ACT),
    PrivateRoute("POST", "/suppressions/remove", suppressions.remove, Permission.ACT),
    PrivateRoute("GET", "/access", access.show_access, None),
    PrivateRoute("GET", "/privacy", privacy.show_privacy, Permission.MANAGE_PRIVACY),
    PrivateRoute("POST", "/privacy", privacy.find, Permission.MANAGE_PRIVACY),
    PrivateRoute("POST", "/privacy/export", privacy.export, Permission.MANAGE_PRIVACY),
    PrivateRoute("POST", "/privacy/erase", privacy.erase, Permission.MANAGE_PRIVACY),
    PrivateRoute("POST", "/logout", log_in.log_out, None),
    PrivateRoute("GET", "/destinations", destinations.show_destinations, None),
    PrivateRoute("GET", "/destinations/{name}", destination.show_destination, None),
    PrivateRoute("GET", "/overview", overview.show_overview, None),
    PrivateRoute("GET", "/inbox", inbox.show_inbox, Permission.SEE_RELAY),
    PrivateRoute("GET", "/inbox/{kind}", inbox.show_kind, Permission.SEE_RELAY),
    PrivateRoute("POST", "/inbox/read", inbox.mark_read, Permission.OPERATE),
    PrivateRoute("GET", "/nodes", relay.show_nodes, Permission.SEE_RELAY),
    PrivateRoute("GET", "/balance", relay.show_balance, Permission.SEE_RELAY),
    PrivateRoute("GET", "/me", own.show, None),
    PrivateRoute("POST", "/me/password", own.change_password, None),
    PrivateRoute("GET", "/accounts", accounts.show_accounts, Permission.MANAGE_ACCOUNTS),
    PrivateRoute("POST", "/accounts", accounts.add, Permission.MANAGE_ACCOUNTS),
    PrivateRoute("GET", "/accounts/{address}", accounts.show_account, Permission.MANAGE_ACCOUNTS),
    PrivateRoute(
        "POST", "/accounts/{address}/password", accounts.change_password, Permission.MANAGE_ACCOUNTS
    ),
    PrivateRoute(
        "POST", "/accounts/{address}/role", accounts.change_role, Permission.MANAGE_ACCOUNTS
    ),
    PrivateRoute(
        "GET", "/accounts/{address}/remove", accounts.confirm_removal, Permission.MANAGE_ACCOUNTS
    ),
    PrivateRoute("POST", "/accounts/{address}/remove", accounts.remove, Permission.MANAGE_ACCOUNTS),
    PrivateRoute("GET", "/rules", rules.show_rules, Permission.MANAGE_RULES),
    PrivateRoute("GET", "/rules/new", rules.show_form, Permission.MANAGE_RULES),
    PrivateRoute("POST", "/rules", rules.add, Permission.MANAGE_RULES),
    PrivateRoute("POST", "/rules/switch", rules.switch, Permission.MANAGE_RULES),
    PrivateRoute("POST", "/rules/remove", rules.remove, Permission.MANAGE_RULES),
    PrivateRoute("POST", "/rules/apply", rules.apply, Permission.MANAGE_RULES),
)
