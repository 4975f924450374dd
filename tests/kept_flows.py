"""What the tests of a kept flow and of a source's key share: a config, a list, an order."""

import base64
from pathlib import Path
from typing import Any

from submitting import QUICK, path_of, table

from bulkpost.app.order import Order
from bulkpost.config import changed, load

KEY = "1f1b96c9150d8050e858c043d543bb4eadae0e6f"
FIELDS = ("first_name:first_name", "zip:postal_code", "tax_no:ssn", "email:email", "score:number")


def config_in(folder: Path, origin: str, more: str = "") -> Path:
    path = folder / "bulkpost.toml"
    path.write_text(f'url = "{origin}{path_of()}"\n{more}')
    return path


def key_in(folder: Path) -> Path:
    path = folder / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    return path


def a_list(folder: Path) -> Path:
    rows = [["Ada", "78751", "123-45-6780", "ada@example.net", "x"]]
    return table(folder / "l.csv", ["first_name", "zip", "tax_no", "email", "shoe"], rows)


def order_in(folder: Path, **more: Any) -> Order:
    settings = changed(load(folder / "bulkpost.toml"), {"ledger": str(folder / "l.db"), **QUICK})
    leads, path = str(folder / "l.csv"), folder / "bulkpost.flow.json"
    return Order((leads,), settings, flow_path=path, **more)


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def has_key(folder: Path, *texts: str) -> bool:
    """Whether the key stands anywhere but in its file, plain or as Basic writes it."""
    files = [path.read_bytes() for path in folder.iterdir() if path.name != "key"]
    encoded = base64.b64encode(f"API:{KEY}".encode())[4:-4]
    return any(
        secret in text
        for text in (*files, *(text.encode() for text in texts))
        for secret in (KEY.encode(), encoded)
    )
