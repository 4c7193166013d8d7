"""The command: `python3 -m strongroom build storage.py -o storage.wasm`."""

import argparse
import sys
from pathlib import Path

from .build import BuildError, build


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m strongroom", description="Builds a storage into a component.")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("build", help="build a module that holds one subclass of Storage")
    command.add_argument("module", type=Path, help="the module's file; other modules are found beside it")
    command.add_argument("--class", dest="name", help="which subclass, if the module holds several")
    command.add_argument("-o", dest="output", type=Path, help="the component to write; MODULE.wasm unless given")
    command.add_argument("--wit", type=Path, help="the contract's folder, if none named wit is above this package")
    options = parser.parse_args()
    try:
        build(options.module, options.name, options.output or options.module.with_suffix(".wasm"), options.wit)
    except BuildError as error:
        print(f"strongroom: {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
