"""`make bench`: the real server under load, beside what the same PostgreSQL can do by itself, in the same run."""
