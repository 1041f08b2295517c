"""What a command line is told of a scripted model."""

from tests.scripted_model.server import ScriptedModel


def told(model: ScriptedModel) -> dict[str, str]:
    """Give the settings for a scripted model."""
    return {"PLANWRIGHT_MODEL_BASE_URL": model.base_url, "PLANWRIGHT_PLANNER_MODEL": "scripted"}
