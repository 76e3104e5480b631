# kafka-python, aiokafka and confluent-kafka as witnesses: produce what comes as JSON, print what is consumed as JSON.
# clients.py CLIENT produce|consume BOOTSTRAP TOPIC CODEC; keys, values and header values are base64 or null.

import asyncio
import base64
import json
import sys

client, action, bootstrap, topic, codec = sys.argv[1:]
codec = None if codec == 'none' else codec


def bytes_of(text):
    return None if text is None else base64.b64decode(text)


def text_of(data):
    return None if data is None else base64.b64encode(data).decode()


def records():
    for record in json.load(sys.stdin):
        yield bytes_of(record['key']), bytes_of(record['value']), [(k, bytes_of(v)) for k, v in record['headers']]


def shown(offset, key, value, headers):
    return {
        'offset': offset,
        'key': text_of(key),
        'value': text_of(value),
        'headers': [[k, text_of(v)] for k, v in headers or []],
    }


def kafka_python_produce():
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=codec, acks='all', linger_ms=50)
    sent = [producer.send(topic, key=k, value=v, headers=h, partition=0) for k, v, h in records()]
    producer.flush()
    for future in sent:
        future.get(10)
    producer.close()


def kafka_python_consume():
    from kafka import KafkaConsumer, TopicPartition

    partition = TopicPartition(topic, 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, check_crcs=True)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    end = consumer.end_offsets([partition])[partition]
    found = []
    while consumer.position(partition) < end:
        for batch in consumer.poll(1000).values():
            found += [shown(r.offset, r.key, r.value, r.headers) for r in batch]
    consumer.close()
    return found


async def aiokafka_produce():
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, compression_type=codec, acks='all', enable_idempotence=True, linger_ms=50
    )
    await producer.start()
    sent = [await producer.send(topic, key=k, value=v, headers=h, partition=0) for k, v, h in records()]
    await asyncio.gather(*sent)
    await producer.stop()


async def aiokafka_consume():
    from aiokafka import AIOKafkaConsumer, TopicPartition

    partition = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, check_crcs=True)
    await consumer.start()
    consumer.assign([partition])
    await consumer.seek_to_beginning(partition)
    end = (await consumer.end_offsets([partition]))[partition]
    found = []
    while await consumer.position(partition) < end:
        for batch in (await consumer.getmany(partition, timeout_ms=1000)).values():
            found += [shown(r.offset, r.key, r.value, r.headers) for r in batch]
    await consumer.stop()
    return found


def confluent_produce():
    from confluent_kafka import Producer

    failed = []
    settings = {
        'bootstrap.servers': bootstrap,
        'compression.type': codec or 'none',
        'enable.idempotence': True,
        'linger.ms': 50,
    }
    producer = Producer(settings)
    for key, value, headers in records():
        producer.produce(
            topic, key=key, value=value, headers=headers, partition=0, on_delivery=lambda e, _: e and failed.append(e)
        )
    left = producer.flush(30)
    if failed or left:
        raise SystemExit(f'{left} not sent, {failed[:3]}')


def confluent_consume():
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    settings = {
        'bootstrap.servers': bootstrap,
        'group.id': 'unused',
        'enable.auto.commit': False,
        'check.crcs': True,
        'enable.partition.eof': True,
    }
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while True:
        message = consumer.poll(10)
        if message is None:
            raise SystemExit('nothing came')
        if message.error() is None:
            found.append(shown(message.offset(), message.key(), message.value(), message.headers()))
        elif message.error().name() == '_PARTITION_EOF':
            break
        else:
            raise KafkaException(message.error())
    consumer.close()
    return found


run = globals()[f'{client}_{action}']
result = asyncio.run(run()) if asyncio.iscoroutinefunction(run) else run()
if action == 'consume':
    json.dump(result, sys.stdout)
