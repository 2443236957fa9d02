"""`utrace doctor`: what can be traced here, what cannot, and why."""

from __future__ import annotations

import sys
from importlib.metadata import version

from utrace.kernel.caps import read_caps
from utrace.kernel.probe import Finding, examine

_HELP = """\
Usage: utrace doctor [--json]

Try, each on a child of its own, what tracing needs, and tell what works here, what does not, and why.
The exit status is 0 if programs can be traced at all, 1 if not.

      --json    write the findings as JSON
  -h, --help    show this help
"""


def main(words: list[str]) -> int:
    """Run `utrace doctor` with these arguments."""
    if words in (["-h"], ["--help"]):
        sys.stdout.write(_HELP)
        return 0
    if words not in ([], ["--json"]):
        sys.stderr.write(f"utrace doctor: unrecognized argument '{words[0]}' (try 'utrace doctor --help')\n")
        return 1
    findings = examine()
    sys.stdout.write(_json(findings) if words else _table(findings))
    return 0 if all(finding.works for finding in findings if finding.vital) else 1


def _table(findings: list[Finding]) -> str:
    caps = read_caps()
    lines = [f"utrace {version('utrace')} on Linux {caps.release} {caps.machine}"]
    words = {True: "ok", False: "no", None: "--"}
    lines += [f"  {words[finding.works]}  {finding.name:<27} {finding.why}" for finding in findings]
    return "\n".join(lines) + "\n"


def _json(findings: list[Finding]) -> str:
    import json  # noqa: PLC0415 — only here
    from dataclasses import asdict  # noqa: PLC0415 — only here

    caps = read_caps()
    data = {
        "utrace": version("utrace"),
        "release": caps.release,
        "machine": caps.machine,
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(data, indent=2) + "\n"
