"""What somebody may see is decided in one place, and no verb that looks goes past it."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import tracker
from tracker.store import Ledger

ROOT = Path(tracker.__file__).parent
DECIDES = {"scope_condition", "_concerns"}
READS_SCOPES = {"sql/conditions.py", "sql/suppressions.py"}
"""Who asks what is in a scope: one place for mail, and one for what is suppressed, which is no
mail and concerns more people than those who put it there."""

WITHOUT_SCOPE = {
    "moves mail, for workers": {
        "accept", "open_lease", "renew", "claim", "settle", "postpone", "close_lease", "census",
        "recover", "give_up_held", "bring_back", "next_due", "wait_for_work", "content", "contents",
        "record_refusals", "attendance",
    },
    "tidies": {
        "prune", "tend", "alone", "ping", "close", "prune_sessions", "forget_failures", "roll_up",
        "forget_statistics", "prune_refusals",
        "prune_accesses", "forget_parts", "prune_domains",
    },
    "is about the relay, not about mail": {
        "balance", "destination", "place", "engine", "trouble_kinds", "troubles",
        "unread_troubles", "mark_read",
    },
    "is what somebody keeps for themselves, named by their address": {
        "save_search", "saved_searches", "change_search", "remove_search", "note_search",
        "recent_searches", "habits", "keep_habits",
    },
    "is about who may log in": {
        "add_account", "account", "accounts", "set_password_hash", "set_role", "remove_account",
        "add_session", "session", "remove_session", "record_failure",
    },
    "is about the rules, for whoever may manage them": {
        "corrections", "rule_acts", "add_correction", "switch_correction", "remove_correction",
        "rule_book", "last_refused", "categories", "reclassification", "begin_reclassifying",
        "reclassify", "adopt_rules", "older_judgements",
    },
    "is about an address, for those who may manage privacy": {
        "find_traces", "erase_traces", "find_elsewhere", "erase_elsewhere",
    },
    "is an act or an errand, asked for by whoever may, with its own scope in it": {
        "advance_act", "ask_errand", "ask_probe", "changed_by", "due_acts", "end_errand",
        "errands_about", "forget_acts", "forget_errands", "plan_act", "take_errand", "turn_act",
        "news", "drop_refused", "keep_refused", "keeps_content", "next_hops_before",
    },
    "is about what is suppressed, not about mail": {
        "suppress", "unsuppress", "suppression_revision",
    },
    "only puts on record": {"record_accesses", "record_return"},
    "tells whether messages changed, of which the caller has seen the timeline in scope": {
        "versions",
    },
    "keeps the index of the record's text": {
        "index_text", "indexes_text", "forget_text", "text_missing",
    },
}  # fmt: skip
"""Verbs that take no scope, and why. Who may use them says the page that does."""


def verbs() -> list[str]:
    return [name for name in dir(Ledger) if not name.startswith("_")]


@pytest.mark.parametrize("name", verbs())
def test_a_verb_takes_a_scope_or_has_a_reason(name: str) -> None:
    verb = getattr(Ledger, name)
    takes_scope = callable(verb) and "scope" in inspect.signature(verb).parameters
    reasons = [why for why, names in WITHOUT_SCOPE.items() if name in names]
    assert len(reasons) == (0 if takes_scope else 1), (name, reasons)


def test_the_reasons_are_of_verbs_that_exist() -> None:
    assert set().union(*WITHOUT_SCOPE.values()) <= set(verbs())


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield the functions of the ledgers that are given a scope, with where they are."""
    for path in sorted(ROOT.rglob("*.py")):
        where = str(path.relative_to(ROOT))
        if where.startswith("store/"):
            continue  # protocols have no bodies
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and scope_of(node):
                yield where, node


def scope_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return the name of the argument that is a scope; empty when there is none."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    names = [
        one.arg
        for one in arguments
        if isinstance(one.annotation, ast.Name) and one.annotation.id == "Scope"
    ]
    return names[0] if names else ""


FUNCTIONS = [
    pytest.param(where, node, id=f"{where}:{node.name}")
    for where, node in functions()
    if node.name not in DECIDES
]


@pytest.mark.parametrize(("where", "function"), FUNCTIONS)
def test_a_scope_is_handed_on_until_it_is_a_condition(
    where: str, function: ast.FunctionDef | ast.AsyncFunctionDef
) -> None:
    """Whoever is given a scope gives it to another, and the last in the row decides."""
    name = scope_of(function)
    handed_on = [
        argument
        for call in ast.walk(function)
        if isinstance(call, ast.Call)
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(argument, ast.Name) and argument.id == name
    ]
    assert handed_on, f"{where}: {function.name} takes a scope and does nothing with it"


def test_few_places_ask_what_is_in_a_scope() -> None:
    askers = {
        where
        for where, function in functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == scope_of(function)
    }
    assert askers == READS_SCOPES
