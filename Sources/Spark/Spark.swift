// Spark
