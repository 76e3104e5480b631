# confluent-kafka's transactional producer: transactions.py BOOTSTRAP TOPIC GROUP. Every other transaction is aborted. Prints as
# JSON what a reader of what is committed gets, and the group's offset after each end.

import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

bootstrap, topic, group = sys.argv[1:]
producer = Producer({'bootstrap.servers': bootstrap, 'transactional.id': topic, 'linger.ms': 5})
member = Consumer({'bootstrap.servers': bootstrap, 'group.id': group, 'enable.auto.commit': False})


def offset():
    return member.committed([TopicPartition(topic, 0)], timeout=10)[0].offset


producer.init_transactions(30)
offsets = []
for i in range(10):
    producer.begin_transaction()
    for j in range(5):
        producer.produce(topic, key=str(j), value=f'{i}/{j}')
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 100 + i)], member.consumer_group_metadata(), 10)
    if i % 2 == 0:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)
    offsets.append(offset())

reader = Consumer({'bootstrap.servers': bootstrap, 'group.id': group + '-readers', 'isolation.level': 'read_committed'})
reader.assign([TopicPartition(topic, 0, 0)])
values = []
deadline = time.time() + 20
while len(values) < 25 and time.time() < deadline:
    for message in reader.consume(100, 0.2):
        assert message.error() is None, message.error()
        values.append(message.value().decode())
values += [message.value().decode() for message in reader.consume(1, 0.5)]
print(json.dumps({'values': values, 'offsets': offsets}))
reader.close()
member.close()
