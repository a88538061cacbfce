"""The only SQL: tables, and one module of queries per aggregate. Functions take `tx` and never commit."""
