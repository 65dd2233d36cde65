"""The bench's desk: the measurements that anybody may run, on our checker or on a vendor's."""

from __future__ import annotations

import typer

from bench import safety

app = typer.Typer()
app.add_typer(safety.app, name="bench")


@app.callback()
def desk() -> None:
    """Public measurements."""
