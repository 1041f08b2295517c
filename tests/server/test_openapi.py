"""The schema of the API: the events and the bodies stand in it, whatever routes there are."""

from pydantic import BaseModel

from server.openapi import Api


class Wish(BaseModel):
    """A body."""

    words: str


def test_the_bodies_stay_in_the_schema_when_a_route_is_added() -> None:
    """The library makes its schema anew for another route; what we put beside it is put there again."""
    app = Api()
    app.bodies = (Wish,)
    assert {"Wish", "Event"} <= set(app.openapi()["components"]["schemas"])
    app.add_api_route("/late", lambda: None)
    schema = app.openapi()
    assert "/late" in schema["paths"]
    assert {"Wish", "Event"} <= set(schema["components"]["schemas"])
