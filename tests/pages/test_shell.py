"""Nothing is drawn before someone has signed in, whatever the address; what was asked for is there afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from core.access.identity import local_reader
from core.access.single_sign_on import is_valid, verified_reader
from core.domain.errors import NotPermitted
from core.domain.people import Role
from core.domain.recipe import Recipe
from core.domain.registry import ModelId, RegisteredModel
from core.settings import Settings
from core.workspace import Workspace, start_workspace
from pages.parts.messages import plain

SHELL = Path(__file__).parent.parent.parent / "pages" / "shell.py"
AT = datetime(2026, 1, 1, tzinfo=UTC)
CLAIMS = {
    "iss": "https://provider.example",
    "sub": "17",
    "name": "Anna Reader",
    "email": "Anna@lab.example",
    "email_verified": True,
    "exp": AT.timestamp() + 60,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Give an empty workspace as the app would have started it, without the demo."""
    with start_workspace(Settings(data_dir=tmp_path, n_demo_slides=0)) as opened:
        yield opened


@pytest.fixture
def listens_everywhere() -> Iterator[None]:
    """Have the server listen beyond this machine."""
    before = config.get_option("server.address")
    config.set_option("server.address", "0.0.0.0")
    yield
    config.set_option("server.address", before)


@pytest.fixture(autouse=True)
def listens_here() -> Iterator[None]:
    """Have the server listen on this machine alone, as the shipped configuration says."""
    before = config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    yield
    config.set_option("server.address", before)


def opened(**query: str) -> AppTest:
    """Open the address with this query in a new tab."""
    tab = AppTest.from_file(str(SHELL), default_timeout=30)
    for name, wish in query.items():
        tab.query_params[name] = wish
    return tab.run()


def signed_in(tab: AppTest, name: str) -> AppTest:
    """Sign in with a typed name."""
    tab.text_input("shell.name").input(name)
    return tab.button[0].click().run()


def words_of(tab: AppTest) -> str:
    """Give every text on the page."""
    boxes = (*tab.markdown, *tab.caption, *tab.title, *tab.warning, *tab.error, *tab.info)
    return "\n".join(str(box.value) for box in boxes)


def test_a_first_visit_shows_the_sign_in_and_nothing_else(workspace: Workspace) -> None:
    tab = opened(slide="0" * 32)
    assert not tab.exception
    assert [box.label for box in tab.text_input] == ["Your name"]
    assert not tab.dataframe and not tab.get("bidi_component")
    assert "only this machine" in words_of(tab)


def test_what_the_address_asked_for_is_kept_through_the_sign_in(workspace: Workspace) -> None:
    tab = signed_in(opened(slide="0" * 32, x="10"), "Anna Reader")
    assert not tab.exception
    assert not [box for box in tab.text_input if box.label == "Your name"]
    assert tab.query_params["slide"] in ("0" * 32, ["0" * 32])
    assert tab.query_params["x"] in ("10", ["10"])


def test_a_sign_in_is_remembered_by_the_store_and_by_this_tab_alone(workspace: Workspace) -> None:
    signed_in(opened(), "Anna Reader")
    assert [reader.name for reader in workspace.readers_seen()] == ["Anna Reader"]
    other = opened()
    assert [box.label for box in other.text_input] == ["Your name"]


def test_names_seen_before_are_offered_and_sign_in(workspace: Workspace) -> None:
    workspace.record_sign_in(local_reader("Anna Reader"))
    tab = opened()
    tab.button("shell.as.anna reader").click().run()
    assert not tab.exception
    assert not [box for box in tab.text_input if box.label == "Your name"]


def test_a_name_that_is_none_is_refused_in_words(workspace: Workspace) -> None:
    tab = signed_in(opened(), "   ")
    assert "printable characters" in words_of(tab)
    assert [box.label for box in tab.text_input] == ["Your name"]
    assert workspace.readers_seen() == ()


@pytest.mark.usefixtures("listens_everywhere")
def test_a_server_open_to_others_without_sign_in_shows_only_why(workspace: Workspace) -> None:
    workspace.record_sign_in(local_reader("Anna Reader"))
    tab = opened()
    assert "listens beyond this machine" in words_of(tab)
    assert not tab.text_input and not tab.button


def test_with_single_sign_on_no_name_can_be_typed(workspace: Workspace) -> None:
    tab = AppTest.from_file(str(SHELL), default_timeout=30)
    tab.secrets["auth"] = {"redirect_uri": "https://room.example/oauth2callback"}
    tab.run()
    assert not tab.exception and not tab.text_input
    assert [button.label for button in tab.button] == ["Sign in"]


def test_the_demo_model_is_marked_on_every_page(workspace: Workspace) -> None:
    tab = signed_in(opened(), "Anna Reader")
    assert "not trained on real slides" not in words_of(tab)
    workspace.models.add_model(
        RegisteredModel(
            model_id=ModelId("0" * 16),
            name="demo",
            folder=workspace.data_dir / "models" / "0",
            checkpoint_sha256="0" * 64,
            recipe=Recipe(),
            is_demo=True,
            card_json="{}",
            registered_at=AT,
        ),
        actor="test",
    )
    assert "not trained on real slides" in words_of(tab.run())


def test_a_provider_vouches_by_verified_address() -> None:
    reader = verified_reader(CLAIMS, {Role.LEAD: ("anna@lab.example",)}, AT)
    assert reader.reader_id == "anna@lab.example"
    assert reader.roles == {Role.READER, Role.LEAD}


def test_an_unverified_address_makes_nobody_else() -> None:
    reader = verified_reader({**CLAIMS, "email_verified": False}, {Role.LEAD: ("anna@lab.example",)}, AT)
    assert reader.reader_id == "https://provider.example#17"
    assert reader.roles == {Role.READER}


@pytest.mark.parametrize("expires", [None, "tomorrow", AT.timestamp(), 0])
def test_a_word_that_ran_out_signs_nobody_in(expires: object) -> None:
    claims = {**CLAIMS, "exp": expires}
    assert not is_valid(claims, AT)
    with pytest.raises(NotPermitted):
        verified_reader(claims, {}, AT)


@pytest.mark.parametrize("text", ["[x](http://a.example)", "![](http://a.example/p.png)", "<b>x</b>", "**b** _i_ `c`"])
def test_plain_text_is_never_markdown(text: str) -> None:
    shown = plain(text)
    assert all(shown[place - 1] == "\\" for place, sign in enumerate(shown) if sign in "[]()<>*_`!")
    assert shown.replace("\\", "").replace("\N{WORD JOINER}", "") == text


def test_plain_text_is_never_an_icon_or_a_colour() -> None:
    assert ":material" not in plain(":material/home:") and ":red" not in plain(":red[x]")
