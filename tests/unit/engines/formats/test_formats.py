"""Which formats there are, and what is said where a library is missing."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib

import pytest

from tests.tracees import ROOT
from utrace.engines.formats import FORMATS, encoder_of
from utrace.errors import MissingExtra

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_an_encoder_and_is_on_the_page(name: str) -> None:
    encoder = encoder_of(name)
    assert encoder.begin() + encoder.end() is not None
    assert f"| `{name}` |" in PAGE
    extra = FORMATS[name].extra
    assert not extra or set(EXTRAS[extra]) <= set(EXTRAS["test"])


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.extra])
def test_a_missing_library_is_named_with_the_pip_command(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    form = FORMATS[name]
    library = "pyarrow" if name == "parquet" else name
    monkeypatch.delitem(sys.modules, f"utrace.engines.formats.{form.module}", raising=False)
    for module in [module for module in sys.modules if module.partition(".")[0] == library]:
        monkeypatch.delitem(sys.modules, module)
    real = importlib.import_module

    def without(module: str) -> object:
        if module.endswith(f"formats.{form.module}"):
            raise ModuleNotFoundError(f"No module named '{library}'", name=library)
        return real(module)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(MissingExtra, match=rf"format {name} needs .* pip install 'utrace\[{form.extra}\]'"):
        encoder_of(name)


def test_importing_the_engines_imports_no_library_and_no_conditions() -> None:
    late = "{'msgpack', 'perfetto', 'pyarrow', 'utrace.where.values', 'utrace.syscalls.catalog'}"
    code = f"import sys, utrace.engines, utrace.cli.tracing; print({late} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
