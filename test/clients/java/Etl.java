// Reads a topic, changes every record and writes it to another, as exactly-once as Kafka's clients make it: each poll is one
// transaction with its offsets. Ends when everything that was there as it began is done; whoever kills it may start it again.
// Etl BOOTSTRAP NAME IN OUT; says "committed N" after each transaction.

import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

public class Etl {
  static final int RECORDS_A_TRANSACTION = 250;

  public static void main(String[] args) {
    String bootstrap = args[0], name = args[1], in = args[2], out = args[3];
    Properties c = new Properties();
    c.put("bootstrap.servers", bootstrap);
    c.put("group.id", name);
    // Who starts again is the same member, and need not wait until the one that was killed is missed.
    c.put("group.instance.id", name + "-0");
    c.put("isolation.level", "read_committed");
    c.put("enable.auto.commit", "false");
    c.put("auto.offset.reset", "earliest");
    c.put("max.poll.records", RECORDS_A_TRANSACTION);
    Properties p = new Properties();
    p.put("bootstrap.servers", bootstrap);
    p.put("transactional.id", name);
    p.put("transaction.timeout.ms", "20000");
    StringSerializer s = new StringSerializer();
    StringDeserializer d = new StringDeserializer();
    try (Consumer<String, String> consumer = new KafkaConsumer<>(c, d, d);
        Producer<String, String> producer = new KafkaProducer<>(p, s, s)) {
      producer.initTransactions();
      consumer.subscribe(List.of(in));
      long committed = 0;
      while (!isDone(consumer)) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
        if (records.isEmpty()) continue;
        try {
          producer.beginTransaction();
          for (ConsumerRecord<String, String> r : records)
            producer.send(new ProducerRecord<>(out, r.partition(), r.key(), "done " + r.value()));
          producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
          producer.commitTransaction();
          committed += records.count();
          System.out.println("committed " + committed);
        } catch (ProducerFencedException | OutOfOrderSequenceException | AuthorizationException fatal) {
          throw fatal;
        } catch (KafkaException abortable) {
          System.out.println("aborts: " + abortable);
          producer.abortTransaction();
          goBack(consumer);
        }
      }
    }
    System.out.println("done");
  }

  /** Is everything committed that partitions held? Asked only between transactions. */
  static boolean isDone(Consumer<String, String> consumer) {
    Set<TopicPartition> mine = consumer.assignment();
    if (mine.isEmpty()) return false;
    Map<TopicPartition, Long> ends = consumer.endOffsets(mine);
    return mine.stream().allMatch(at -> consumer.position(at) >= ends.get(at));
  }

  static void goBack(Consumer<String, String> consumer) {
    Map<TopicPartition, OffsetAndMetadata> known = consumer.committed(consumer.assignment());
    for (TopicPartition at : consumer.assignment())
      if (known.get(at) != null) consumer.seek(at, known.get(at));
      else consumer.seekToBeginning(List.of(at));
  }
}
