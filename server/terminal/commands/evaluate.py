"""`planwright eval`: how well models answer the requests of the data set."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import typer
from rich.console import Console
from rich.table import Table

from server.evaluation.judging import Verdict
from server.evaluation.report import RESPECTS, Report, report_on
from server.evaluation.request import Request, read
from server.evaluation.running import verdicts_on
from server.passing import passing_folder
from server.settings import Settings
from server.terminal.exits import CommandFailed, ExitCode, perform
from server.terminal.local import setup_told
from server.terminal.settings import settings_or_usage
from server.terminal.stored import failures_told
from server.wiring import opened

OFFLINE: Final = "offline"


def run(models: Sequence[str], only: Sequence[str], at_least: float, *, as_json: bool) -> None:
    """Ask each model the requests, and print how it did; leave with 1 when one was right too seldom."""
    perform(_evaluated(models, only, at_least, as_json=as_json))


async def _evaluated(models: Sequence[str], only: Sequence[str], at_least: float, *, as_json: bool) -> ExitCode:
    settings, requests = settings_or_usage(), _chosen(only)
    reports = [await _report(model, settings, requests) for model in models or (_configured(settings),)]
    if as_json:
        typer.echo(json.dumps([asdict(report) for report in reports], indent=2))
    else:
        Console().print(_table(reports))
    return ExitCode.OK if all(report.percent >= at_least for report in reports) else ExitCode.FAILED


def _chosen(only: Sequence[str]) -> list[Request]:
    requests = read()
    if unknown := sorted(set(only) - {request.id for request in requests}):
        raise CommandFailed(ExitCode.USAGE, f"There is no request {', '.join(unknown)}.")
    return [request for request in requests if not only or request.id in only]


def _configured(settings: Settings) -> str:
    return OFFLINE if settings.models is None else settings.models.planner[0]


async def _report(model: str, settings: Settings, requests: Sequence[Request]) -> Report:
    verdicts: list[Verdict] = []
    typer.echo(f"{model}: {len(requests)} requests", err=True)
    with passing_folder() as folder, failures_told(), setup_told():
        async with opened(_asking(model, settings, folder)) as planwright:
            async for verdict in verdicts_on(planwright, requests, settings.time_zone):
                typer.echo(_line(verdict), err=True)
                verdicts.append(verdict)
    return report_on(model, verdicts)


def _asking(model: str, settings: Settings, folder: Path) -> Settings:
    """Return the settings of an installation there whose agents all ask that model."""
    away = {"data_dir": folder / "data", "database_url": None}
    if model == OFFLINE:
        nobody = dict.fromkeys(("model_base_url", "model_api_key", "deepseek_api_key", "planner_model"))
        return settings.model_copy(update=away | nobody | {"executor_model": None})
    alone = {"planner_fallbacks": (), "executor_fallbacks": ()}
    return settings.model_copy(update=away | alone | {"planner_model": model, "executor_model": model})


def _line(verdict: Verdict) -> str:
    wrong = "; ".join(f"{respect}: {words}" for respect, words in verdict.wrong.items())
    return f"  {'✗' if wrong else '✓'} {verdict.request.id}  {wrong}".rstrip()


def _table(reports: Sequence[Report]) -> Table:
    table = Table("model", "asked", *RESPECTS, "all", "tokens", "p50", "p95", box=None)
    for report in reports:
        table.add_row(
            report.model,
            str(report.requests),
            *(_share(report.right[respect], report.requests) for respect in RESPECTS),
            _share(report.passed, report.requests),
            f"{report.tokens:,}",
            f"{report.p50_seconds:.2f} s",
            f"{report.p95_seconds:.2f} s",
        )
    return table


def _share(right: int, of: int) -> str:
    return f"{100 * right / of:.0f} %"
