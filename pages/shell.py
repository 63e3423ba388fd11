"""The main script: who reads, then the pages. Nothing of a page is drawn before someone has signed in.

Pages are callables, so no address reaches one but through here. An address that was asked for before the sign-in,
with its query, is where the reader arrives after it. Single sign-on returns to the first page instead.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import streamlit as st

from core.access.identity import local_reader
from core.access.permissions import Permission, may
from core.access.single_sign_on import is_valid, verified_reader
from core.domain.errors import NotPermitted
from core.domain.people import Reader, Role
from core.workspace import Workspace, current_workspace
from pages import (
    adjudication,
    agreement,
    guide,
    patches,
    registry,
    retraining,
    review,
    slides,
    studies,
    study_reading,
    training,
    worklist,
)
from pages.parts import destinations, messages, session

_ICON = Path(__file__).parent / "parts" / "icon.png"
_STYLE = Path(__file__).parent / "parts" / "shell.css"
_PAGES = (
    ("Review", "read", review.render),
    ("Worklist", "worklist", worklist.render),
    ("Patches", "patches", patches.render),
    ("Slides", "slides", slides.render),
    ("Studies", "studies", studies.render),
    ("Guide", "guide", guide.render),
    ("Adjudication", "adjudication", adjudication.render),
    ("Agreement", "agreement", agreement.render),
    ("Training sets", "training-sets", retraining.render),
    ("Training", "training", training.render),
    ("Models", "models", registry.render),
    ("Read in a study", "read-study", study_reading.render),
)
_NOT_IN_MENU = frozenset({"read-study"})
_NAME, _ARRIVES = "shell.name", "shell.arrives"


def main() -> None:
    """Draw the sign-in, or the page that the address names."""
    st.set_page_config(page_title="Fibroread", page_icon=str(_ICON), layout="wide", initial_sidebar_state="collapsed")
    st.html(_STYLE)
    workspace = current_workspace()
    reader = _signed_in_reader(workspace)
    page = st.navigation(_navigation(workspace, reader), position="top" if reader else "hidden")
    if reader is None:
        messages.guarded(_draw_sign_in)(workspace)
        return
    _lead_back(workspace, reader, page)
    _draw_mark(workspace)
    messages.show_kept()
    page.run()


def _lead_back(workspace: Workspace, reader: Reader, page: st.Page) -> None:
    """After the sign-in, send a reader who asked for no page to the worklist when a read there is not finished."""
    is_arriving = session.get_or(_ARRIVES, False)
    session.drop(_ARRIVES)
    asked_for_nothing = page == destinations.page_named("read") and not st.query_params
    if not (is_arriving and asked_for_nothing and may(reader, Permission.READ_SLIDES)):
        return
    if workspace.study_reading.entry_to_resume(reader) is not None:
        destinations.go_to_worklist()


def _navigation(workspace: Workspace, reader: Reader | None) -> dict[str, list[st.Page]]:
    """Give the pages; without a reader they are named, so that the address is kept, and draw nothing."""

    def drawn(render: Callable[[Workspace, Reader], None]) -> Callable[[], None]:
        def draw() -> None:
            if reader is not None:
                messages.guarded(render)(workspace, reader)

        return draw

    pages = {
        path: st.Page(
            drawn(render),
            title=title,
            url_path=path,
            default=number == 0,
            visibility="hidden" if path in _left_out_of_menu(workspace, reader) else "visible",
        )
        for number, (title, path, render) in enumerate(_PAGES)
    }
    destinations.remember_pages(pages)
    if reader is None:
        return {"": list(pages.values())}
    leave = st.Page(_sign_out, title="Sign out", url_path="sign-out")
    return {"": list(pages.values()), messages.plain(reader.name): [leave]}


def _left_out_of_menu(workspace: Workspace, reader: Reader | None) -> frozenset[str]:
    """Give the pages that the menu does not name: those reached through others, and those of a duty not held."""
    adjudicates = reader is not None and workspace.cases.is_adjudicator(reader.reader_id)
    return _NOT_IN_MENU if adjudicates else _NOT_IN_MENU | {"adjudication"}


def _draw_mark(workspace: Workspace) -> None:
    """Say on every screen that a demo model serves, without taking room from the page."""
    model = workspace.models.served_model()
    if model is not None and model.is_demo:
        with st.container(key="shell_mark"):
            st.markdown("**DEMO** model: not trained on real slides")


def _signed_in_reader(workspace: Workspace) -> Reader | None:
    """Give who reads in this tab; with single sign-on only while the provider's word is valid."""
    if not _has_single_sign_on():
        return session.reader() if _is_only_this_machine() else None
    if _is_logged_in() and is_valid(_claims(), workspace.clock()):
        return session.reader()
    return None


def _draw_sign_in(workspace: Workspace) -> None:
    """Ask who reads, or say why nothing is shown."""
    if not _has_single_sign_on() and not _is_only_this_machine():
        raise NotPermitted(
            "This server listens beyond this machine and nobody could be told from anybody else. "
            "Set server.address to 127.0.0.1, or configure single sign-on in .streamlit/secrets.toml, then start again."
        )
    _, middle, _ = st.columns([1, 1.1, 1])
    with middle, st.container(key="shell_sign_in"):
        st.title("Fibroread")
        st.markdown("Reading room for liver-fibrosis slides")
        messages.show_kept()
        if _has_single_sign_on():
            _draw_single_sign_on(workspace)
        else:
            _draw_local_sign_in(workspace)


def _draw_local_sign_in(workspace: Workspace) -> None:
    with st.form("shell_sign_in_form", border=True):
        st.text_input("Your name", key=_NAME, max_chars=60, placeholder="as it shall stand beside your reads")
        st.form_submit_button("Start reading", type="primary", on_click=_sign_in_as_typed, args=(workspace,))
    known = workspace.readers_seen()
    if known:
        st.caption("Or go on as")
        with st.container(horizontal=True):
            for person in known:
                st.button(
                    messages.plain(person.name),
                    key=f"shell.as.{person.reader_id}",
                    on_click=_sign_in,
                    args=(workspace, person),
                )
    st.caption("No password: only this machine can reach this room. Your name is recorded with each of your reads.")


def _draw_single_sign_on(workspace: Workspace) -> None:
    """Sign in whom the provider vouches for; a word that has run out is asked for again."""
    if _is_logged_in() and is_valid(_claims(), workspace.clock()):
        _sign_in(workspace, verified_reader(_claims(), _roles(), workspace.clock()))
        st.rerun()
    if _is_logged_in():
        st.info("Your sign-in has run out. Please sign in again.")
    st.button("Sign in", type="primary", on_click=st.login)


@messages.guarded_callback
def _sign_in_as_typed(workspace: Workspace) -> None:
    _sign_in(workspace, local_reader(session.get_or(_NAME, "")))


@messages.guarded_callback
def _sign_in(workspace: Workspace, person: Reader) -> None:
    workspace.record_sign_in(person)
    session.sign_in(person)
    session.put(_ARRIVES, True)


def _sign_out() -> None:
    first = destinations.page_named("read")
    session.sign_out()
    if _has_single_sign_on():
        st.logout()
    destinations.remember_pages({"read": first})
    st.switch_page(first)


def _has_single_sign_on() -> bool:
    """Say whether an OpenID Connect provider is configured."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def _is_logged_in() -> bool:
    return bool(st.user.get("is_logged_in", False))


def _claims() -> Mapping[str, object]:
    return {str(name): st.user[str(name)] for name in st.user}


def _roles() -> Mapping[Role, Collection[str]]:
    """Give who is more than a reader: lists of addresses under [roles] in the secrets, one for each role."""
    named = st.secrets.get("roles", {})
    return {role: tuple(named.get(role.value, ())) for role in Role}


def _is_only_this_machine() -> bool:
    """Say whether the server listens on loopback alone and was asked for from here, by such a name."""
    listens_on = str(st.get_option("server.address") or "0.0.0.0")  # noqa: S104 - what an empty setting means
    headers = st.context.headers
    asked_for = (headers.get("Host") or "localhost").rsplit(":", 1)[0]
    is_passed_on = any(name in headers for name in ("Forwarded", "X-Forwarded-For"))
    return _is_loopback(listens_on) and _is_loopback(asked_for) and not is_passed_on


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


messages.guarded(main)()
