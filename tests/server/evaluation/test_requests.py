"""The data set of `planwright eval`."""

from collections import Counter
from zoneinfo import available_timezones

from persistence.workspace.contents import TABLES
from server.evaluation.request import Request, read
from tools.registry import Registry

REQUESTS = read()


def test_there_are_sixty_requests_with_a_name_each() -> None:
    """None is there twice."""
    assert len(REQUESTS) == 60
    assert [name for name, times in Counter(request.id for request in REQUESTS).items() if times > 1] == []
    assert [text for text, times in Counter(request.request for request in REQUESTS).items() if times > 1] == []


def test_expectations_name_what_there_is() -> None:
    """A tool or a table that is none could never be right."""
    tools = {name for request in REQUESTS for each in request.expected.tools for name in each.split("|")}
    assert tools <= set(Registry.build().names())
    assert {effect.table for request in REQUESTS for effect in request.expected.effects} <= set(TABLES)
    assert {request.time_zone for request in REQUESTS if request.time_zone} <= available_timezones()


def test_every_request_expects_something_that_can_be_wrong() -> None:
    """Beside its route, or a route that is the point of it."""

    def is_about_its_route(request: Request) -> bool:
        return len(request.expected.route) == 1

    assert [
        request.id
        for request in REQUESTS
        if not (
            request.expected.tools or request.expected.facts or request.expected.effects or is_about_its_route(request)
        )
    ] == ["only-asked"]  # nothing may change, which every request expects that names no effects


def test_every_kind_of_request_is_there() -> None:
    """Each route, changes and none, follow-ups, moments, other time zones, and a note that wants to be obeyed."""
    assert {route for request in REQUESTS for route in request.expected.route} == {"simple", "tool_use", "complex"}
    assert {effect.change for request in REQUESTS for effect in request.expected.effects} == {
        "created",
        "changed",
        "deleted",
    }
    assert any(request.before for request in REQUESTS)
    assert any(request.notes for request in REQUESTS)
    assert any(effect.at for request in REQUESTS for effect in request.expected.effects)
    assert len({request.time_zone for request in REQUESTS}) > 2
