//! Reads business systems out of their databases: PostgreSQL, MariaDB and MySQL, SQL Server.
