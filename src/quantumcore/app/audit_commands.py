"""What the command line says of the ledger's audit: `audit prove`, `check`, `key`, `restore`, `drill`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from quantumcore.app.terminal import AsJson, DataDir, or_exit, tell

audit_app = typer.Typer(no_args_is_help=True, help="Proofs of the ledger's audit, and its sealed segments.")


@audit_app.command("prove")
def audit_prove(
    position: Annotated[str, typer.Argument(help="sequence.index.leg of the entry.")] = "",
    account: Annotated[int, typer.Option(help="The account that it must be of; 0 is any.")] = 0,
    transfer: Annotated[str, typer.Option(help="Instead of a position: the id of a transfer of --account.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Print the proof that an entry of a published day was recorded; also while the venue runs."""
    from quantumcore.app.audit import encoded, prove_entry
    from quantumcore.app.settings import Source

    settings = or_exit(lambda: Source(data_dir=data_dir).read())
    typer.echo(encoded(or_exit(lambda: prove_entry(settings, position, account, transfer))))


@audit_app.command("check")
def audit_check(
    file: Annotated[Path, typer.Argument(help="A proof, as `audit prove` prints it.")],
    public_key: Annotated[
        str, typer.Option("--public-key", help="The venue's key in hex (default: that of the venue in --data-dir).")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check a proof with the public key alone, and show the entry that it proves."""
    from quantumcore.app.audit import check_proof
    from quantumcore.app.audit import public_key as key_of
    from quantumcore.app.settings import Source

    key = public_key or or_exit(lambda: key_of(Source(data_dir=data_dir).read()))
    proven = or_exit(lambda: check_proof(file, key))
    tell(proven, (f"{name:12} {value}" for name, value in proven.items()), as_json=as_json)


@audit_app.command("key")
def audit_public_key(data_dir: DataDir = None) -> None:
    """Print the public key with which a venue's roots must be signed."""
    from quantumcore.app.audit import public_key as key_of
    from quantumcore.app.settings import Source

    typer.echo(or_exit(lambda: key_of(Source(data_dir=data_dir).read())))


@audit_app.command("restore")
def audit_restore(
    file: Annotated[Path, typer.Argument(help="The SQLite file that is made; there must be none of that name.")],
    place: Annotated[str, typer.Option(help="Where from: segments or audit, the two directories of the venue.")],
    data_dir: DataDir = None,
) -> None:
    """Make the ledger's entries and audit of closed days anew, from the sealed segments of one place."""
    from quantumcore.app.segments import restore
    from quantumcore.app.settings import Source

    found = or_exit(lambda: restore(Source(data_dir=data_dir).read(), place, file))
    typer.echo(f"{file}: {found['entries']:,} entries of {found['days']:,} days")


@audit_app.command("drill")
def audit_drill(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Restore from each place, compare every row with the ledger, and throw it away; also while the venue runs."""
    from quantumcore.app.segments import drill
    from quantumcore.app.settings import Source

    found = or_exit(lambda: drill(Source(data_dir=data_dir).read()))
    tell(found, (f"{place:10} {_drilled(one)}" for place, one in found.items()), as_json=as_json)
    raise typer.Exit(1 if any(one["finding"] for one in found.values()) else 0)


def _drilled(one: dict[str, Any]) -> str:
    return one["finding"] or f"equal: {one['entries']:,} entries of {one['days']:,} days"
