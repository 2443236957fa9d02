"""`utrace completion`: shell completion, written from the tables of options.

    eval "$(utrace completion bash)"

Rule of this file: what can be completed is in the tables; here is only how each shell wants to be told.

Reference: bash(1) "Programmable Completion"; zshcompsys(1); complete in fish(1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from utrace.cli.console import complain, put
from utrace.cli.trace_options import OPTIONS
from utrace.syscalls.abi import X86_64
from utrace.syscalls.groups import GROUPS
from utrace.syscalls.siginfo import SIGNAL_NAMES
from utrace.syscalls.tables import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from utrace.cli.trace_options import Option

_HELP: Final = """\
Usage: utrace completion SHELL

Write what lets a shell complete the command line of utrace; SHELL is bash, zsh or fish.

  eval "$(utrace completion bash)"            for this shell; in ~/.bashrc for all to come
  utrace completion zsh > ~/.zfunc/_utrace    in a directory of zsh's fpath
  utrace completion fish > ~/.config/fish/completions/utrace.fish
"""

COMMANDS: Final[Mapping[str, str]] = {
    "trace": "show system calls and signals",
    "run": "run a program with strace and gdb served inside",
    "who": "tell who traces what",
    "doctor": "tell what can be traced here",
    "completion": "write what a shell completes by",
}
SHELLS: Final = ("bash", "zsh", "fish")


def main(words: list[str]) -> int:
    """Run `utrace completion` with these arguments."""
    if words in (["-h"], ["--help"]):
        return put(_HELP)
    if len(words) != 1 or words[0] not in _WRITERS:
        return complain(f"utrace completion: name a shell: {', '.join(SHELLS)}")
    return put(_WRITERS[words[0]]())


def call_words() -> list[str]:
    """Give what a set of calls can be made of: names and groups."""
    return [*sorted(numbers(X86_64)), *(f"%{group}" for group in GROUPS), "all", "none"]


def signal_words() -> list[str]:
    """Give the names of signals."""
    return [name.removeprefix("SIG") for _, name in sorted(SIGNAL_NAMES.items())] + ["all", "none"]


def expression_words() -> list[str]:
    """Give what can stand behind -e: `NAME=`, and calls."""
    return [f"{qualifier}=" for option in OPTIONS for qualifier in option.qualifiers if len(qualifier) > 1]


def _qualified() -> dict[str, Option]:
    return {qualifier: option for option in OPTIONS for qualifier in option.qualifiers}


def _listed(option: Option) -> list[str]:
    """Give the words an option's argument can be; those that stand for a kind begin with `<`."""
    if option.offers == ("<calls>",):
        return call_words()
    if option.offers == ("<signals>",):
        return signal_words()
    return [word for word in option.offers if not word.startswith("<")]


# -- bash -------------------------------------------------------------------------------------------


def _bash() -> str:
    spelled = " ".join(name for option in OPTIONS for name in option.spelled)
    cases = "\n".join(
        f"        {'|'.join(option.spelled)}) {_bash_reply(option)} ;;"
        for option in OPTIONS
        if option.takes_value
    )
    optional = "\n".join(
        f"        {'|'.join(option.long_names)}) {_bash_reply(option)} ;;"
        for option in OPTIONS
        if option.value and not option.takes_value and option.long_names
    )
    expressions = "\n".join(
        f"        {name}=*) _utrace_list '{' '.join(_listed(option))}' ;;"
        for name, option in _qualified().items()
        if _listed(option)
    )
    takes = " ".join(name for option in OPTIONS if option.takes_value for name in option.spelled)
    return f"""\
# Completion of utrace for bash; written by `utrace completion bash`.
_utrace_words() {{ COMPREPLY=($(compgen -W "$1" -- "$cur")); }}

# A list separated by commas: what stands before the last one is kept.
_utrace_list() {{
    local done='' value=$cur
    [[ $value == *=* ]] && {{ done=${{value%%=*}}=; value=${{value#*=}}; }}
    [[ $value == *,* ]] && {{ done+=${{value%,*}},; value=${{value##*,}}; }}
    # Readline breaks words at "=": what it has taken already is not to be given again.
    local given=$done
    [[ $COMP_WORDBREAKS == *=* ]] && given=${{done#*=}}
    COMPREPLY=($(compgen -P "$given" -W "$1" -- "$value"))
    compopt -o nospace
}}

_utrace_expression() {{
    case $cur in
{expressions}
        *=*) ;;
        *) _utrace_list '{" ".join((*expression_words(), *call_words()))}' ;;
    esac
}}

_utrace_value() {{
    case $1 in
{cases}
{optional}
        *) return 1 ;;
    esac
}}

_utrace() {{
    local cur prev words=() cword i word skip=0
    COMPREPLY=()
    # Readline may have broken words at "=": they are put together again.
    local line=${{COMP_LINE:0:COMP_POINT}}
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    cword=$((${{#words[@]}} - 1))
    cur=${{words[cword]}}
    prev=${{words[cword - 1]}}
    if ((cword == 1)); then
        _utrace_words '{" ".join(COMMANDS)}'
        return
    fi
    case ${{words[1]}} in
        completion) _utrace_words '{" ".join(SHELLS)}'; return ;;
        run) COMPREPLY=($(compgen -c -- "$cur")); return ;;
        trace) ;;
        *) return ;;
    esac
    # Options end at the program, behind which everything is its own.
    for ((i = 2; i < cword; i++)); do
        word=${{words[i]}}
        if ((skip)); then skip=0; continue; fi
        case $word in
            --) break ;;
            --*=*) ;;
            -?*) [[ ' {takes} ' == *" $word "* ]] && skip=1 ;;
            *) break ;;
        esac
    done
    if ((i < cword)); then
        COMPREPLY=($(compgen -f -- "$cur"))
    elif ((skip)); then
        _utrace_value "$prev"
    elif [[ $cur == --*=* ]]; then
        local name=${{cur%%=*}}
        _utrace_value "$name"
    elif [[ $cur == -* ]]; then
        _utrace_words '{spelled}'
    else
        COMPREPLY=($(compgen -c -- "$cur"))
    fi
}}
complete -F _utrace utrace
"""


def _bash_reply(option: Option) -> str:
    match option.offers:
        case ("<file>",):
            return 'COMPREPLY=($(compgen -f -- "${cur#--*=}"))'
        case ("<user>",):
            return 'COMPREPLY=($(compgen -u -- "${cur#--*=}"))'
        case ("<pid>",):
            return "_utrace_list \"$(cd /proc && printf '%s ' [0-9]*)\""
        case ("<expression>",):
            return "_utrace_expression"
        case _:
            return f"_utrace_list '{' '.join(_listed(option))}'"


# -- zsh --------------------------------------------------------------------------------------------


def _zsh() -> str:
    commands = "\n".join(f"        {_zsh_quoted(f'{name}:{text}')}" for name, text in COMMANDS.items())
    specs = " \\\n".join(
        f"                {_zsh_quoted(spec)}" for option in OPTIONS for spec in _zsh_specs(option)
    )
    return f"""\
#compdef utrace
# Completion of utrace for zsh; written by `utrace completion zsh`.
_utrace_calls() {{
    _values -s , 'system calls' {" ".join(_zsh_quoted(_zsh_plain(word)) for word in call_words())}
}}

_utrace_signals() {{
    _values -s , signals {" ".join(signal_words())}
}}

_utrace_expression() {{
    if compset -P '(trace|t|inject|fault|abbrev|a|verbose|v|raw|x)='; then
        _utrace_calls
    elif compset -P '(signal|signals|s)='; then
        _utrace_signals
    elif compset -P '*='; then
        _message value
    else
        compadd -S '' -- {" ".join(expression_words())}
        _utrace_calls
    fi
}}

_utrace() {{
    local -a commands=(
{commands}
    )
    if ((CURRENT == 2)); then
        _describe command commands
        return
    fi
    case $words[2] in
        completion) _values shell {" ".join(SHELLS)} ;;
        run) shift words; ((CURRENT--)); _normal ;;
        trace)
            shift words
            ((CURRENT--))
            _arguments -s -S \\
{specs} \\
                '*::program:_normal'
            ;;
    esac
}}

compdef _utrace utrace
"""


def _zsh_quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _zsh_plain(text: str) -> str:
    return text.replace("%", "%%") if text.startswith("%%") else text


def _zsh_specs(option: Option) -> list[str]:
    text = option.text.replace("[", "(").replace("]", ")").replace(":", ";")
    action = _zsh_action(option)
    specs: list[str] = []
    for name in option.spelled:
        is_long = name.startswith("--")
        if option.takes_value:
            specs.append(
                f"*{name}{'=' if is_long else '+'}[{text}]:{option.value.replace(':', ' ')}:{action}"
            )
        elif option.value and is_long:
            specs.append(f"*{name}=-[{text}]::value:{action}")
        else:
            specs.append(f"*{name}[{text}]")
    return specs


_ZSH_ACTIONS: Final = {
    "<file>": "_files",
    "<user>": "_users",
    "<pid>": "_pids",
    "<expression>": "_utrace_expression",
    "<calls>": "_utrace_calls",
    "<signals>": "_utrace_signals",
}


def _zsh_action(option: Option) -> str:
    if not option.offers:
        return " "
    return _ZSH_ACTIONS.get(option.offers[0], f"({' '.join(option.offers)})")


# -- fish -------------------------------------------------------------------------------------------


def _fish() -> str:
    lines = ["# Completion of utrace for fish; written by `utrace completion fish`.", "complete -c utrace -f"]
    first = "complete -c utrace -n __fish_use_subcommand"
    lines += [f"{first} -a {name} -d {_fish_quoted(text)}" for name, text in COMMANDS.items()]
    for command in ("trace", "run", "completion"):
        seen = f"complete -c utrace -n '__fish_seen_subcommand_from {command}'"
        if command == "completion":
            lines.append(f"{seen} -a '{' '.join(SHELLS)}'")
            continue
        if command == "trace":
            lines += [f"{seen} {_fish_option(option)}" for option in OPTIONS]
        lines.append(f"{seen} -a '(__fish_complete_subcommand --fcs-skip=2)'")
    return "\n".join(lines) + "\n"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _fish_option(option: Option) -> str:
    names = " ".join(f"{'-s' if len(name) == 1 else '-l'} {name}" for name in option.names)
    described = f"{names} -d {_fish_quoted(option.text)}"
    if not option.takes_value:
        return described
    match option.offers:
        case ("<file>",):
            return f"{described} -rF"
        case ("<user>",):
            return f"{described} -xa '(__fish_complete_users)'"
        case ("<pid>",):
            return f"{described} -xa '(__fish_complete_pids)'"
        case ("<expression>",):
            return f"{described} -xa '{' '.join((*expression_words(), *call_words()))}'"
        case _:
            return f"{described} -xa '{' '.join(_listed(option))}'"


_WRITERS: Final[Mapping[str, Callable[[], str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
