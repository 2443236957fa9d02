"""`python -m utrace`: the `utrace` command."""

from utrace.cli import main

raise SystemExit(main())
