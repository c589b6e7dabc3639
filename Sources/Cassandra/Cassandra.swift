// Cassandra
