"""The users pipeline's second half: read the topic, parse the JSON, write the rows to Cassandra.

Needs `pip install pyspark`, and `pip install cassandra-driver` to create the keyspace and the table; without the driver they have
to be there. On a Spark cluster (docker-compose.yml has the line for its own):

    spark-submit --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.1,com.datastax.spark:spark-cassandra-connector_2.13:3.5.1 pyspark_stream.py
"""

import logging
import os

try:
    from cassandra.cluster import Cluster
except ImportError:  # only the tables' creation needs it
    Cluster = None

CASSANDRA_HOST = os.environ.get("CASSANDRA_HOST", "localhost")
CASSANDRA_PORT = int(os.environ.get("CASSANDRA_PORT", "9042"))
BOOTSTRAP_SERVERS = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
TOPIC = os.environ.get("USERS_TOPIC", "users_created")
CHECKPOINT = os.environ.get("CHECKPOINT_LOCATION", "/tmp/checkpoint-created-users")

log = logging.getLogger(__name__)


def create_keyspace(session):
    session.execute(
        """
        CREATE KEYSPACE IF NOT EXISTS spark_streams
        WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'};
        """
    )


def create_table(session):
    session.execute(
        """
        CREATE TABLE IF NOT EXISTS spark_streams.created_users (
            id UUID PRIMARY KEY,
            first_name TEXT,
            last_name TEXT,
            gender TEXT,
            address TEXT,
            post_code TEXT,
            email TEXT,
            username TEXT,
            dob TEXT,
            registered_date TEXT,
            phone TEXT,
            picture TEXT);
        """
    )


def create_cassandra_connection():
    return Cluster([CASSANDRA_HOST], port=CASSANDRA_PORT).connect()


def create_spark_connection():
    from pyspark.sql import SparkSession

    spark = (
        SparkSession.builder.appName("SparkDataStreaming")
        .config(
            "spark.jars.packages",
            "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.1,com.datastax.spark:spark-cassandra-connector_2.13:3.5.1",
        )
        .config("spark.cassandra.connection.host", CASSANDRA_HOST)
        .config("spark.cassandra.connection.port", str(CASSANDRA_PORT))
        .getOrCreate()
    )
    return spark


def connect_to_kafka(spark):
    return (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", BOOTSTRAP_SERVERS)
        .option("subscribe", TOPIC)
        .option("startingOffsets", "earliest")
        .load()
    )


def create_selection_df_from_kafka(frame):
    from pyspark.sql.functions import col, from_json
    from pyspark.sql.types import StringType, StructField, StructType

    names = [
        "id", "first_name", "last_name", "gender", "address", "post_code",
        "email", "username", "dob", "registered_date", "phone", "picture",
    ]
    schema = StructType([StructField(name, StringType(), True) for name in names])
    return (
        frame.selectExpr("CAST(value AS STRING)")
        .select(from_json(col("value"), schema).alias("data"))
        .select("data.*")
    )


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    if Cluster is None:
        log.warning("cassandra-driver is not installed: spark_streams.created_users has to be there")
    else:
        session = create_cassandra_connection()
        create_keyspace(session)
        create_table(session)
        session.cluster.shutdown()
        log.info("Keyspace and table are there")

    selection = create_selection_df_from_kafka(connect_to_kafka(create_spark_connection()))
    query = (
        selection.writeStream.format("org.apache.spark.sql.cassandra")
        .option("checkpointLocation", CHECKPOINT)
        .option("keyspace", "spark_streams")
        .option("table", "created_users")
        .start()
    )
    log.info("Streaming %s to spark_streams.created_users", TOPIC)
    query.awaitTermination()
