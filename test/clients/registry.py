"""confluent-kafka-python against a schema registry: its three serializers through Kafka, and what its client asks of subjects.

Arguments: bootstrap, registry url, prefix of topics, what to do. Prints JSON.
"""

import json
import sys

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import ConfigCompatibilityLevel, Schema, SchemaReference, SchemaRegistryClient, ServerConfig
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

BOOTSTRAP, URL, PREFIX, WHAT = sys.argv[1:5]
client = SchemaRegistryClient({"url": URL})
VALUES = [{"item": "tea", "count": 2}, {"item": "größer", "count": -1}]
AVRO = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [{"name": "item", "type": "string"}, {"name": "count", "type": "int", "default": 1}],
    }
)
JSON_SCHEMA = json.dumps(
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Order",
        "type": "object",
        "properties": {"item": {"type": "string"}, "count": {"type": "integer"}},
        "required": ["item"],
    }
)


def through_kafka(topic, serializer, deserializer, values):
    """What comes back of values that went through a topic."""
    context = SerializationContext(topic, MessageField.VALUE)
    producer = Producer({"bootstrap.servers": BOOTSTRAP})
    for value in values:
        producer.produce(topic, value=serializer(value, context), partition=0)
    assert producer.flush(20) == 0
    consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    seen = []
    while len(seen) < len(values):
        message = consumer.poll(20)
        assert message is not None and message.error() is None, message and message.error()
        seen.append(deserializer(message.value(), context))
    consumer.close()
    return seen


def avro():
    serializer = AvroSerializer(client, AVRO)
    return through_kafka(f"{PREFIX}-avro", serializer, AvroDeserializer(client), VALUES)


def json_schema():
    serializer = JSONSerializer(JSON_SCHEMA, client)
    return through_kafka(f"{PREFIX}-json", serializer, JSONDeserializer(None, schema_registry_client=client), VALUES)


def protobuf():
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="Order")
    message.field.add(name="item", number=1, type=9, label=1)
    message.field.add(name="count", number=2, type=5, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    order = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))
    serializer = ProtobufSerializer(order, client, {"use.deprecated.format": False})
    deserializer = ProtobufDeserializer(order, {"use.deprecated.format": False}, client)
    seen = through_kafka(f"{PREFIX}-protobuf", serializer, deserializer, [order(**value) for value in VALUES])
    return [{"item": each.item, "count": each.count} for each in seen]


def subjects():
    """One question of each kind."""
    said = {}
    subject = f"{PREFIX}-subject"
    said["id"] = client.register_schema(subject, Schema(AVRO, "AVRO")) > 0
    latest = client.get_latest_version(subject)
    said["latest"] = [latest.version, json.loads(latest.schema.schema_str)["name"]]
    said["by id"] = json.loads(client.get_schema(latest.schema_id).schema_str)["name"]
    said["lookup"] = client.lookup_schema(subject, Schema(AVRO, "AVRO")).version
    said["versions"] = client.get_versions(subject)
    said["listed"] = subject in client.get_subjects()
    more = json.loads(AVRO)
    more["fields"].append({"name": "more", "type": "string"})
    more = Schema(json.dumps(more), "AVRO")
    said["compatible"] = [client.test_compatibility(subject, Schema(AVRO, "AVRO")), client.test_compatibility(subject, more)]
    try:
        client.register_schema(subject, more)
    except SchemaRegistryError as error:
        said["refused"] = [error.http_status_code, "READER_FIELD_MISSING_DEFAULT_VALUE" in str(error)]
    client.set_config(subject, ServerConfig(compatibility=ConfigCompatibilityLevel.NONE))
    said["config"] = client.get_config(subject).compatibility_level
    said["then"] = client.register_schema(subject, more) > 0
    user = Schema(
        '{"type":"record","name":"User","fields":[{"name":"order","type":"shop.Order"}]}',
        "AVRO",
        [SchemaReference("shop.Order", subject, 1)],
    )
    client.register_schema(f"{PREFIX}-user", user)
    said["references"] = client.get_latest_version(f"{PREFIX}-user").schema.references[0].name
    said["deleted"] = client.delete_subject(f"{PREFIX}-user")
    said["deleted for good"] = client.delete_subject(f"{PREFIX}-user", permanent=True)
    # This one remembers what was there.
    try:
        SchemaRegistryClient({"url": URL}).get_latest_version(f"{PREFIX}-user")
    except SchemaRegistryError as error:
        said["gone"] = [error.http_status_code, error.error_code]
    return said


print(json.dumps({"avro": avro, "json": json_schema, "protobuf": protobuf, "subjects": subjects}[WHAT]()))
