"""The command line: the table of its commands.

What a command does stands in `server/terminal/commands`, imported when it runs,
so that `--help` answers at once.
"""

import sys
from io import TextIOWrapper
from typing import Annotated
from uuid import UUID

import typer

from server import __version__
from server.client.sending import Approvals, Branch, Question
from server.scopes import Scope
from server.terminal.backend import Reached

app = typer.Typer(
    name="planwright",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
token_app = typer.Typer(help="Bearer tokens for the HTTP interface.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(token_app, name="token")
user_app = typer.Typer(help="Who may sign in.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(user_app, name="user")

Server = Annotated[str | None, typer.Option(help="A server’s address, else PLANWRIGHT_SERVER; else all runs in here.")]
Token = Annotated[str | None, typer.Option(help="What to sign in with there, else PLANWRIGHT_TOKEN.")]
User = Annotated[str | None, typer.Option(help="In whose name, when no server is named: an e-mail address, or “demo”.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one event per line, as the stream has them.")]
Session = Annotated[UUID | None, typer.Option(help="Go on with this session.")]
Context = Annotated[str, typer.Option(help="What it is about: global, project, task, calendar.")]
Entity = Annotated[UUID | None, typer.Option(help="The project or task that --context means.")]
Asking = Annotated[
    Approvals | None, typer.Option(help="Whether writes of a new session wait for you: ask, or auto, the default.")
]
Somebody = Annotated[str, typer.Argument(metavar="USER", help="An e-mail address, or an id of `planwright user list`.")]
RunId = Annotated[UUID, typer.Argument(metavar="RUN", help="A run’s id, as `planwright runs` lists it.")]


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"planwright {__version__}")
        raise typer.Exit


@app.callback()
def planwright(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version, and no more.")
    ] = False,
) -> None:
    """A planner and executor agent for projects, tasks, notes and calendars."""


@app.command()
def ask(
    message: Annotated[str, typer.Argument(help="What to ask, in plain words.")],
    session: Session = None,
    context: Context = "global",
    entity: Entity = None,
    approvals: Asking = None,
    server: Server = None,
    token: Token = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Ask something: progress on stderr, the answer on stdout."""
    from server.terminal.commands import ask as command

    command.run(Question(message, session, context, entity, approvals), Reached(server, token, user), as_json=as_json)


@app.command()
def chat(
    session: Session = None,
    approvals: Asking = None,
    server: Server = None,
    token: Token = None,
    user: User = None,
) -> None:
    """Talk in one session; an empty line or Ctrl-D ends it."""
    from server.terminal.commands import chat as command

    command.run(session, approvals, Reached(server, token, user))


@app.command()
def demo() -> None:
    """Run one request on a demo workspace; needs no key and no server."""
    from server.terminal.commands import demo as command

    command.run()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen; PLANWRIGHT_HOST, else 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(help="PLANWRIGHT_PORT, else 8000.", min=0, max=65535)] = None,
    user: Annotated[
        str | None, typer.Option(help="Who is signed in by the printed link: an e-mail address, or “demo”.")
    ] = None,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Work on runs, or leave that to others.")] = True,
) -> None:
    """Serve the web page and the HTTP interface, and work on their runs."""
    from server.terminal.commands import serve as command

    command.run(host, port, user, working=worker)


@app.command()
def worker() -> None:
    """Work on runs beside servers, on the same database; as many as there is work for."""
    from server.terminal.commands import worker as command

    command.run()


@app.command()
def runs(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=500)] = 20, user: User = None
) -> None:
    """List the newest runs."""
    from server.terminal.commands import runs as command

    command.run(limit, user)


@app.command()
def show(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run’s id, or a file of `planwright export --json`.")],
    user: User = None,
) -> None:
    """Print everything that is recorded about a run, as a timeline."""
    from server.terminal.commands import show as command

    command.run(run, user)


@app.command()
def export(
    run: RunId,
    html: Annotated[
        bool, typer.Option("--html/--json", help="A page without script, or a document for `planwright show`.")
    ] = False,
    server: Server = None,
    token: Token = None,
    user: User = None,
) -> None:
    """Write everything that is recorded about a run to stdout, as one file."""
    from server.terminal.commands import export as command

    command.run(run, Reached(server, token, user), as_html=html)


@app.command()
def tail(run: RunId, server: Server = None, token: Token = None, user: User = None, as_json: AsJson = False) -> None:
    """Follow a run from its beginning until it ends or waits for you."""
    from server.terminal.commands import tail as command

    command.run(run, Reached(server, token, user), as_json=as_json)


@app.command()
def decide(
    run: RunId,
    approve: Annotated[bool, typer.Option("--approve", help="Let the calls run.")] = False,
    deny: Annotated[bool, typer.Option("--deny", help="Let none of them run.")] = False,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="CALL", help="All but this call, by its number or id.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="What the planner should know about it.")] = None,
    server: Server = None,
    token: Token = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Decide on the calls that a run waits for; without a flag, show them and ask."""
    from server.terminal.commands import decide as command

    flags = command.Flags(approve, deny, tuple(drop or ()), note)
    command.run(run, flags, Reached(server, token, user), as_json=as_json)


@app.command()
def cancel(run: RunId, server: Server = None, token: Token = None, user: User = None) -> None:
    """Stop a run."""
    from server.terminal.commands import cancel as command

    command.run(run, Reached(server, token, user))


@app.command()
def replay(run: RunId, server: Server = None, token: Token = None, user: User = None, as_json: AsJson = False) -> None:
    """Let a run happen again from its record: no model is asked, nothing is changed."""
    from server.terminal.commands import replay as command

    command.run(run, Reached(server, token, user), as_json=as_json)


@app.command()
def fork(
    run: RunId,
    from_step: Annotated[
        int | None, typer.Option(help="Work on this step and what rests on it anew.", min=1, max=10_000)
    ] = None,
    step_words: Annotated[str | None, typer.Option("--step", help="What that step is to do instead.")] = None,
    message: Annotated[str | None, typer.Option(help="Begin anew, with this message.")] = None,
    model: Annotated[str | None, typer.Option(help="Ask this configured model.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Let it change things; else writes are only tried out.")] = False,
    server: Server = None,
    token: Token = None,
    user: User = None,
    as_json: AsJson = False,
) -> None:
    """Let a run go another way, in a session of its own."""
    from server.terminal.commands import fork as command

    command.run(run, Branch(from_step, message, model, live, step_words), Reached(server, token, user), as_json=as_json)


@app.command()
def undo(run: RunId, server: Server = None, token: Token = None, user: User = None) -> None:
    """Take back what a run wrote, as far as nobody changed it since."""
    from server.terminal.commands import undo as command

    command.run(run, Reached(server, token, user))


@app.command()
def tools(
    as_json: Annotated[bool, typer.Option("--json", help="Print the schemas that models are shown.")] = False,
) -> None:
    """List the tools and who may call them."""
    from server.terminal.commands import tools as command

    command.run(as_json=as_json)


@app.command()
def graph(
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print it as Mermaid text.")] = False,
) -> None:
    """Draw which node follows which; made here, nothing is sent anywhere."""
    from server.terminal.commands import graph as command

    command.run(mermaid=mermaid)


@app.command()
def migrate() -> None:
    """Create or update the roles and the schema."""
    from server.terminal.commands import migrate as command

    command.run()


@token_app.command("new")
def new_token(
    user: Annotated[str, typer.Option(help="The e-mail address of whom it signs in.")],
    days: Annotated[int, typer.Option(help="How long it lives, at most 366.")] = 7,
    name: Annotated[str, typer.Option(help="What it is for, for `planwright token list`.")] = "",
    scope: Annotated[
        list[Scope], typer.Option(help="What it permits: read, write, admin; once for each. Read and write by default.")
    ] = [Scope.READ, Scope.WRITE],  # noqa: B006 - typer copies it
) -> None:
    """Print a new token for a user, who is made if absent. It is shown once and never again."""
    from server.terminal.commands import token as command

    command.new(user, days, name, scope)


@token_app.command("list")
def list_tokens(user: User = None) -> None:
    """List the tokens of a user: id, expiry, last use, what it permits, name."""
    from server.terminal.commands import token as command

    command.listed(user)


@token_app.command("revoke")
def revoke_token(
    token: Annotated[UUID, typer.Argument(metavar="TOKEN", help="Its id, as `planwright token list` has it.")],
    user: User = None,
) -> None:
    """Revoke a token, and the sessions that were opened with it, at once."""
    from server.terminal.commands import token as command

    command.revoke(token, user)


@user_app.command("list")
def list_users() -> None:
    """List the newest users: id, whether they may sign in, address, subject."""
    from server.terminal.commands import user as command

    command.listed()


@user_app.command("link")
def link_user(
    user: Annotated[str, typer.Argument(metavar="EMAIL", help="The address of the user, who is made if absent.")],
    subject: Annotated[str, typer.Argument(help="Whom PLANWRIGHT_JWT_ISSUER means by it in the claim “sub”.")],
) -> None:
    """Let in, as this user, whom the issuer of tokens calls by this subject."""
    from server.terminal.commands import user as command

    command.link(user, subject)


@user_app.command("disable")
def disable_user(user: Somebody) -> None:
    """Shut a user out at once; their open streams end within a minute."""
    from server.terminal.commands import user as command

    command.admit(user, admitted=False)


@user_app.command("enable")
def enable_user(user: Somebody) -> None:
    """Let a user in again."""
    from server.terminal.commands import user as command

    command.admit(user, admitted=True)


@app.command(name="eval")
def evaluate(
    model: Annotated[
        list[str] | None, typer.Option(help="One to ask, “offline” too; may be repeated. Else the one that is set.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this request, by its id; may be repeated.")] = None,
    at_least: Annotated[float, typer.Option(help="Leave with 1 below this share, in percent.", min=0, max=100)] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was right and wrong as JSON.")] = False,
) -> None:
    """Ask models sixty requests on demo workspaces of their own, and say how often they were right."""
    from server.terminal.commands import evaluate as command

    command.run(model or [], only or [], at_least, as_json=as_json)


@app.command()
def doctor() -> None:
    """Check the installation; each failure comes with one next step."""
    from server.terminal.commands import doctor as command

    command.run()


def main() -> None:
    """Run the command line. A character that the terminal cannot show is replaced, never an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    app()


if __name__ == "__main__":
    main()
