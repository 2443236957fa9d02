"""The options of `utrace trace`: one module for each concept, each with a table of its options."""
