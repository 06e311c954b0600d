"""What both ledgers share: how values lie in columns, what a search selects, and whole verbs.

A verb whose statements are the same in every database is written here, over `script.Scripted`;
what a database has to say in its own words is in `tracker.sqlite` and `tracker.postgres`.
"""
