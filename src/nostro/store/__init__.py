"""PostgreSQL: the one opener of database transactions, named statements in .sql files, migrations, keys, seals.

Way in: the store's functions, each calling statements by name; `embedded.EmbeddedServer` where no database is given.
May not be here: network calls inside a database transaction, now() in SQL, anything above model.
"""
