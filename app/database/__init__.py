"""The database: the embedded server, connections, and the partitions of the book."""
