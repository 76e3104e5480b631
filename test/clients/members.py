# Members of a group written in Python: members.py CLIENT BOOTSTRAP TOPIC GROUP [PROTOCOL]. Each record is a line of its
# partition and offset; SIGTERM is a wish to leave in peace.

import signal
import sys

client, bootstrap, topic, group = sys.argv[1:5]
protocol = sys.argv[5] if len(sys.argv) > 5 else 'classic'
running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)


def show(partition, offset):
    sys.stdout.write(f'{partition} {offset}\n')


def kafka_python():
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset='earliest',
        session_timeout_ms=6000,
        heartbeat_interval_ms=500,
        max_poll_interval_ms=30000,
    )
    while running:
        for records in consumer.poll(timeout_ms=200).values():
            for record in records:
                show(record.partition, record.offset)
        sys.stdout.flush()
    consumer.close()


def confluent():
    from confluent_kafka import Consumer

    settings = {'bootstrap.servers': bootstrap, 'group.id': group, 'auto.offset.reset': 'earliest'}
    if protocol == 'consumer':
        settings['group.protocol'] = 'consumer'
    else:
        settings.update({'session.timeout.ms': 6000, 'heartbeat.interval.ms': 500})
    if protocol == 'cooperative':
        settings['partition.assignment.strategy'] = 'cooperative-sticky'
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    while running:
        message = consumer.poll(0.2)
        if message is not None and message.error() is None:
            show(message.partition(), message.offset())
        sys.stdout.flush()
    consumer.close()


globals()[client]()
sys.stdout.flush()
