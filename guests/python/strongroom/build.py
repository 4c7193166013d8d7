"""From an author's module to a component, by componentize-py."""

import importlib
import importlib.util
import inspect
import subprocess
import sys
import tempfile
from pathlib import Path

from .storage import Storage
from .wants import custom_section, section

WORLD = "guest"
COMPONENTIZE_PY = "componentize-py==0.25.1"
# The section `producers`: one field, `language`, with one value and no version. componentize-py writes none of its own.
_PRODUCERS = b"\x01\x08language\x01\x06Python\x00"
_PACKAGE = Path(__file__).resolve().parent
_RUN = "import sys; sys.argv[0] = 'componentize-py'; from componentize_py import script; sys.exit(script())"


class BuildError(Exception):
    """Why there is no component, in a line for the author."""


def build(module: Path, name: str | None, output: Path, wit: Path | None) -> None:
    """Writes the component of the storage in `module` to `output`."""
    if importlib.util.find_spec("componentize_py") is None:
        raise BuildError(f"componentize-py is missing; {sys.executable} -m pip install {COMPONENTIZE_PY}")
    if not module.is_file():
        raise BuildError(f"there is no file {module}")
    storage = _find(module, name)
    wants = _wants(storage)
    with tempfile.TemporaryDirectory() as folder:
        _write_entry(Path(folder), module.stem, storage.__name__)
        paths = [folder, str(module.resolve().parent), str(_PACKAGE.parent)]
        command = [sys.executable, "-c", _RUN, "-q", "-d", str(wit or _wit()), "-w", WORLD]
        command += ["--export-interface-name", "strongroom:storage/storage@0.1.0=strongroom_resources"]
        command += ["componentize", "strongroom_entry", "-o", str(output)]
        command += [argument for path in paths for argument in ("-p", path)]
        if subprocess.run(command).returncode != 0:
            raise BuildError(f"componentize-py could not build {module}; its reason stands above")
    with output.open("ab") as component:
        component.write(custom_section("producers", _PRODUCERS) + wants)


def _wants(storage: type[Storage]) -> bytes:
    """What the storage says it wants, as a section behind the component."""
    try:
        return b"" if storage.wants is None else section(storage.wants)
    except ValueError as error:
        raise BuildError(f"{storage.__name__}.wants: {error}") from None


def _write_entry(folder: Path, module: str, storage: str) -> None:
    """The two modules that componentize-py looks for: one with `connect`, one with the contract's resources."""
    (folder / "strongroom_entry.py").write_text(
        f"from strongroom.component import exporting\n"
        f"from {module} import {storage}\n\n"
        f"StrongroomResources = exporting({storage})\n"
    )
    (folder / "strongroom_resources.py").write_text("from strongroom.component import Directory, File, Session\n")


def _find(module: Path, name: str | None) -> type[Storage]:
    sys.path.insert(0, str(module.resolve().parent))
    loaded = importlib.import_module(module.stem)
    found = {
        each.__name__: each
        for each in vars(loaded).values()
        if inspect.isclass(each) and issubclass(each, Storage) and each.__module__ == loaded.__name__
    }
    if name is None and len(found) == 1:
        return next(iter(found.values()))
    if name in found:
        return found[name]
    if name is not None:
        raise BuildError(f"{module} holds no storage {name}")
    if not found:
        raise BuildError(f"{module} holds no subclass of Storage")
    raise BuildError(f"{module} holds several storages; choose by --class: {', '.join(found)}")


def _wit() -> Path:
    """The nearest folder `wit` that holds the contract, above this package."""
    for above in _PACKAGE.parents:
        if (above / "wit" / "storage.wit").is_file():
            return above / "wit"
    raise BuildError(f"there is no folder wit with the contract above {_PACKAGE}; name it by --wit")
