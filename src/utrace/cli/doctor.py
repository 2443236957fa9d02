"""`utrace doctor`: what can be traced here, what cannot, and why."""

from __future__ import annotations

from importlib.metadata import version

from utrace.cli.console import complain, put
from utrace.kernel.caps import read_caps
from utrace.kernel.probe import examine
from utrace.kernel.probe_stops import check_expectations
from utrace.kernel.probe_trial import Finding

_HELP = """\
Usage: utrace doctor [--json]

Try, each on a child of its own, what tracing needs, and tell what works here, what does not, and why.
Also try whether ptrace does here as utrace expects it to; what differs is named.
The exit status is 0 if programs can be traced at all, 1 if not.

      --json    write the findings as JSON
  -h, --help    show this help
"""


def main(words: list[str]) -> int:
    """Run `utrace doctor` with these arguments."""
    if words in (["-h"], ["--help"]):
        return put(_HELP)
    if words not in ([], ["--json"]):
        return complain(f"utrace doctor: unrecognized argument '{words[-1]}' (try 'utrace doctor --help')")
    findings, expected = examine(), check_expectations()
    status = put(_json(findings, expected) if words else _table(findings, expected))
    return status or int(not all(finding.works for finding in findings if finding.vital))


def _table(findings: list[Finding], expected: list[Finding]) -> str:
    caps = read_caps()
    lines = [f"utrace {version('utrace')} on Linux {caps.release} {caps.machine}"]
    words = {True: "ok", False: "no", None: "--"}
    differing = [finding for finding in expected if not finding.works]
    if expected and not differing:
        why = f"as utrace expects them, in {len(expected)} trials"
        findings = [*findings, Finding("stops, signals and steps", works=True, why=why)]
    shown = [*findings, *differing]
    lines += [f"  {words[finding.works]}  {finding.name:<27} {finding.why}" for finding in shown]
    return "\n".join(lines) + "\n"


def _json(findings: list[Finding], expected: list[Finding]) -> str:
    import json  # noqa: PLC0415 — only here
    from dataclasses import asdict  # noqa: PLC0415 — only here

    caps = read_caps()
    data = {
        "utrace": version("utrace"),
        "release": caps.release,
        "machine": caps.machine,
        "findings": [asdict(finding) for finding in findings],
        "expectations": [asdict(finding) for finding in expected],
    }
    return json.dumps(data, indent=2) + "\n"
