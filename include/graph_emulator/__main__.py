"""`python -m include.graph_emulator`: serve, or measure its own ceiling."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from include.graph_emulator.ceiling import measure
from include.graph_emulator.faults import Fault
from include.graph_emulator.serve import Listen, run
from include.graph_emulator.settings import Settings

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _json(text: str | None) -> bytes:
    """The JSON that `text` is, or that the file of that name holds."""
    text = text or "null"
    return text.encode() if text.lstrip()[:1] in "[{n" else Path(text).read_bytes()


@app.command()
def serve(  # noqa: PLR0913  one parameter per flag
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.")] = 0,
    identity_port: Annotated[int, typer.Option(help="Port of managed identity, plain HTTP.")] = 0,
    name: Annotated[
        list[str] | None, typer.Option(help="Host name in the certificate; the first is the URL's.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(help="Where ca.pem and the client's credentials are written.")
    ] = None,
    now: Annotated[str | None, typer.Option(help="Start of the clock, ISO 8601.")] = None,
    speed: Annotated[float | None, typer.Option(help="Speed of the clock; 0 stands still.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another company.")] = None,
    sign_ins_per_day: Annotated[float | None, typer.Option(help="On a working day.")] = None,
    latency: Annotated[float | None, typer.Option(help="Seconds before each page.")] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="Throttling and latency pass so many times faster.")
    ] = None,
    throttling: Annotated[bool | None, typer.Option(help="Refuse what is over the limits.")] = None,
    settings: Annotated[
        str | None, typer.Option(help="More settings: a JSON object, or a file with one.")
    ] = None,
    plan: Annotated[
        str | None, typer.Option(help="Faults: a JSON list, or a file with one.")
    ] = None,
    end_with_parent: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Serve Graph's log endpoints on loopback over TLS; prints one line of JSON when ready."""
    given = {
        "now": now, "speed": speed, "seed": seed, "sign_ins_per_day": sign_ins_per_day,
        "latency": latency, "time_scale": time_scale, "throttling": throttling,
    }  # fmt: skip
    fields = orjson.loads(_json(settings)) or {}
    fields |= {key: value for key, value in given.items() if value is not None}
    faults = [Fault.model_validate(line) for line in orjson.loads(_json(plan)) or []]
    names = tuple(name or ("localhost", "127.0.0.1"))
    listen = Listen(host, port, identity_port, names, directory, end_with_parent)
    run(Settings.model_validate(fields), listen, faults)


@app.command()
def ceiling(
    sign_ins_per_day: Annotated[float, typer.Option(help="Events of the data set.")] = 1_000_000,
    seconds: Annotated[float, typer.Option(help="How long to measure.")] = 5.0,
) -> None:
    """Measure what the emulator can serve at most: rendered pages over one TLS connection."""
    typer.echo(str(measure(sign_ins_per_day, seconds)))


@app.callback()
def main() -> None:
    """Microsoft Graph's Entra ID log endpoints, on loopback."""


if __name__ == "__main__":
    app()
