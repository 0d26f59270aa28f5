"""vitrine app: open the app in a browser."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from vitrine.folders import ROOT
from vitrine.runner import Runners
from vitrine.sample_files import make_all
from xai_core.errors import DataError, ParamError

APP = ROOT / "server.py"
PORT, LAST_PORT = 8501, 65535


def add_arguments(parser: ArgumentParser) -> None:
    """Add flags for where the app listens, and whether it builds samples and opens a browser."""
    parser.add_argument("--port", metavar="N", default=str(PORT), help=f"port to listen on; default {PORT}")
    parser.add_argument("--address", metavar="A", default="localhost", help="address to listen on; default localhost")
    parser.add_argument("--headless", action="store_true", help="open no browser")
    parser.add_argument("--no-samples", dest="samples", action="store_false", help="do not make missing samples first")


def run(args: Namespace, runners: Runners) -> None:
    """Build the samples if they are missing, then replace this process with the server; its settings lie beside it."""
    if not args.port.isdecimal() or not 1 <= int(args.port) <= LAST_PORT:
        raise ParamError(f"A port is a whole number from 1 to {LAST_PORT}; got {args.port!r}.")
    if args.samples:
        _make_samples()
    server = {"port": args.port, "address": args.address, "headless": str(args.headless).lower()}
    options = [f"--server.{name}={value}" for name, value in server.items()]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(APP), *options])


def _make_samples() -> None:
    try:
        make_all(quiet=False)
    except DataError as error:  # the app works without them
        print(error, file=sys.stderr)
