"""Bytes come in, `Report`s go out. This room knows the standards of the wire and nothing of Kafka, models or databases."""
