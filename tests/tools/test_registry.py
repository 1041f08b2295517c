"""The tools of an installation: what there is, what an executor may hold, what an operator may add."""

from types import MappingProxyType

import pytest

from nodes.planning.rules import PLAN_TOOL
from nodes.planning.worker import SUBMIT_TOOL
from tests.tools import extension
from tools.errors import BadExtension, BadToolName, DuplicateTool, ToolsChanged
from tools.registry import OWN_FUNCTIONS, READ_TOOLS, WRITE_TOOLS, Registry
from tools.tool import Access, Effect, Tool

EXTENSION = "tests.tools.extension"


def test_there_are_twelve_tools_that_read_and_nine_that_write() -> None:
    """The built-in tools are 21, and what an executor may hold at most is the twelve that read."""
    registry = Registry.build()
    assert (len(registry.reading()), len(registry.writing())) == (12, 9)
    assert registry.names() == [*registry.reading(), *registry.writing()]
    assert {tool.access for tool in READ_TOOLS} == {Access.READ}
    assert {tool.access for tool in WRITE_TOOLS} == {Access.WRITE}
    assert {tool.effect for tool in WRITE_TOOLS} == {Effect.LOCAL}


def test_every_tool_is_in_the_folder_that_its_access_names() -> None:
    """A tool of `tools.read` reads and one of `tools.write` writes: the folder cannot be wrong about it."""
    assert {tool.args.__module__.split(".")[1] for tool in READ_TOOLS} == {"read"}
    assert {tool.args.__module__.split(".")[1] for tool in WRITE_TOOLS} == {"write"}


def test_a_tool_that_does_not_say_what_it_does_writes() -> None:
    """Without a stated access a tool counts as one that writes, so that no executor gets it by omission."""
    tool = Tool(name="silent", args=extension.Nothing, run=extension.refuse)
    assert tool.access is Access.WRITE
    assert Registry.of([tool]).reading() == []


def test_a_tool_is_found_by_its_exact_name_only() -> None:
    """Another case, a space or a prefix names no tool."""
    registry = Registry.build()
    assert registry.find("create_task") is not None
    for name in (
        "Create_Task",
        "CREATE_TASK",
        " create_task",
        "create_task ",
        "create_tas",
        "functions.create_task",
        "",
    ):
        assert registry.find(name) is None


@pytest.mark.parametrize("name", ["send_mail", "SEND_MAIL", "Send_Mail"])
def test_two_tools_never_share_a_name(name: str) -> None:
    """Names that are equal, or differ only by case, do not start."""
    other = Tool(name=name, args=extension.Nothing, run=extension.refuse)
    with pytest.raises(DuplicateTool, match=name):
        Registry.of([extension.SEND, other])


@pytest.mark.parametrize(
    "name", ["", " ", "send mail", "send.mail", "send_mail\n", "s\u0435nd_mail", "x" * 65, "Create_Plan"]
)
def test_a_name_that_no_model_can_call_does_not_start(name: str) -> None:
    """A provider would refuse every request with such a tool, or a model could not tell it from the graph's own."""
    with pytest.raises(BadToolName):
        Registry.of([Tool(name=name, args=extension.Nothing, run=extension.refuse)])


def test_the_graphs_own_functions_keep_their_names() -> None:
    """The names that no tool may have are just those that the graph offers beside the tools."""
    assert {PLAN_TOOL, SUBMIT_TOOL} == OWN_FUNCTIONS


def test_tools_that_were_pinned_start_only_unchanged() -> None:
    """With the digest of other tools nothing starts, and the operator is told the one there is."""
    named = f"{EXTENSION}:TOOLS"
    digest = Registry.build(named).digest()
    assert Registry.build(named, digest).digest() == digest
    with pytest.raises(ToolsChanged, match=Registry.build().digest()):
        Registry.build(None, digest)


def test_a_registry_cannot_be_changed() -> None:
    """After the start no tool is added or replaced."""
    assert isinstance(Registry.build().tools, MappingProxyType)


def test_the_digest_changes_with_what_a_model_is_shown() -> None:
    """The digest of a registry pins its names, accesses and schemas."""
    digests = {
        Registry.of([extension.SEND]).digest(),
        Registry.of(
            [Tool(name="send_mail", args=extension.SendMail, run=extension.send_mail, access=Access.READ)]
        ).digest(),
        Registry.of([Tool(name="send_post", args=extension.SendMail, run=extension.send_mail)]).digest(),
        Registry.of([Tool(name="send_mail", args=extension.Nothing, run=extension.refuse)]).digest(),
    }
    assert len(digests) == 4
    assert Registry.build().digest() == Registry.build().digest()


def test_an_operator_adds_tools() -> None:
    """`module:attribute` adds its tools behind ours; their writes count as effects elsewhere."""
    registry = Registry.build(f"{EXTENSION}:TOOLS")
    assert registry.names()[-2:] == ["send_mail", "check_mail"]
    assert "check_mail" in registry.reading()
    assert "send_mail" not in registry.reading()
    assert {registry.tools[name].effect for name in ("send_mail", "check_mail")} == {Effect.EXTERNAL}


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        pytest.param("no_such_module:TOOLS", "ModuleNotFoundError", id="no such module"),
        pytest.param(f"{EXTENSION}:MISSING", "AttributeError", id="no such attribute"),
        pytest.param(EXTENSION, "AttributeError", id="no attribute named"),
        pytest.param(":TOOLS", "ValueError", id="no module named"),
        pytest.param("", "ValueError", id="nothing named"),
        pytest.param("tests.tools.broken_extension:TOOLS", "RuntimeError", id="a module that raises"),
        pytest.param(f"{EXTENSION}:NOT_A_LIST", "not a list of tools", id="not a list"),
        pytest.param(f"{EXTENSION}:NOT_TOOLS", "not a Tool", id="a function among the tools"),
    ],
)
def test_an_extension_that_is_not_one_stops_the_start(named: str, reason: str) -> None:
    """What `PLANWRIGHT_TOOLS` names is repeated in the error, with what is wrong about it."""
    with pytest.raises(BadExtension, match=reason) as refusal:
        Registry.build(named)
    assert f"PLANWRIGHT_TOOLS={named}:" in str(refusal.value)


@pytest.mark.parametrize("attribute", ["NAMED_LIKE_OURS", "TWICE"])
def test_an_operators_tool_cannot_take_the_place_of_another(attribute: str) -> None:
    """A tool with the name of one of ours, in any case, or of another of the operator's, stops the start."""
    with pytest.raises(DuplicateTool):
        Registry.build(f"{EXTENSION}:{attribute}")


def test_models_are_shown_the_tools_they_hold() -> None:
    """The schemas are those of the named tools, in the order asked for; a name that no tool has is passed over."""
    shown = Registry.build().schemas(["search_notes", "no_such_tool", "list_tasks"])
    assert [schema["function"]["name"] for schema in shown if isinstance(schema["function"], dict)] == [
        "search_notes",
        "list_tasks",
    ]
