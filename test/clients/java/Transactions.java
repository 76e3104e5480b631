// What a transactional producer of Kafka's is promised: all or nothing to readers of what is committed, offsets included, and
// that whoever begins anew shuts out who was before. Says one line for each promise that was kept; throws where one was not.

import java.time.Duration;
import java.util.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

public class Transactions {
  static String bootstrap;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    String prefix = args[1];
    String a = prefix + "-a", b = prefix + "-b", group = prefix + "-group";
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin.createTopics(List.of(new NewTopic(a, 1, (short) 1), new NewTopic(b, 1, (short) 1))).all().get();
      List<String> expected = new ArrayList<>();
      try (Producer<String, String> producer = producer(prefix); Consumer<String, String> reader = reader("read_committed", a, b)) {
        producer.initTransactions();
        TopicPartition from = new TopicPartition(a, 0);
        for (int i = 0; i < 20; i++) {
          producer.beginTransaction();
          for (int j = 0; j < 3; j++) {
            producer.send(new ProducerRecord<>(a, i + "/" + j));
            producer.send(new ProducerRecord<>(b, i + "/" + j));
          }
          producer.flush();
          producer.sendOffsetsToTransaction(Map.of(from, new OffsetAndMetadata(i)), new ConsumerGroupMetadata(group));
          check(values(reader, 0).isEmpty(), "an open transaction was read");
          Long before = committed(admin, group, from);
          if (i % 2 == 0) producer.commitTransaction();
          else producer.abortTransaction();
          if (i % 2 == 0) for (int j = 0; j < 3; j++) expected.add(i + "/" + j);
          List<String> both = values(reader, i % 2 == 0 ? 6 : 0);
          check(both.size() == (i % 2 == 0 ? 6 : 0), "transaction " + i + " was read as " + both);
          Long after = committed(admin, group, from);
          check(i % 2 == 0 ? after == i : Objects.equals(after, before), "its offset is " + after + ", was " + before);
        }
      }
      System.out.println("20 transactions, every other one aborted: all or nothing, offsets with them");
      for (String topic : List.of(a, b)) {
        try (Consumer<String, String> reader = reader("read_committed", topic)) {
          check(values(reader, 30).equals(expected), topic + " is not as it was committed");
        }
        try (Consumer<String, String> reader = reader("read_uncommitted", topic)) {
          check(values(reader, 60).size() == 60, topic + " is not as it was written");
        }
      }
      System.out.println("read_committed reads the 30 of each topic in order, read_uncommitted all 60");

      Producer<String, String> old = producer(prefix), young = producer(prefix);
      old.initTransactions();
      old.beginTransaction();
      old.send(new ProducerRecord<>(a, "old")).get();
      young.initTransactions();
      try {
        old.commitTransaction();
        throw new AssertionError("it was not fenced");
      } catch (KafkaException fenced) {
        System.out.println("fenced by the one that begins anew: " + fenced.getClass().getSimpleName());
      }
      young.beginTransaction();
      young.send(new ProducerRecord<>(a, "young"));
      young.commitTransaction();
      old.close(Duration.ZERO);
      young.close();
      expected.add("young");
      try (Consumer<String, String> reader = reader("read_committed", a)) {
        check(values(reader, 31).equals(expected), "what was fenced is read");
      }
      TransactionDescription described = admin.describeTransactions(List.of(prefix)).description(prefix).get();
      check(described.state() == TransactionState.COMPLETE_COMMIT, "it is " + described.state());
      check(admin.listTransactions().all().get().stream().anyMatch(one -> one.transactionalId().equals(prefix)), "it is not listed");
      System.out.println("listed and described as " + described.state());
    }
  }

  static Producer<String, String> producer(String transactionalId) {
    Properties p = new Properties();
    p.put("bootstrap.servers", bootstrap);
    p.put("transactional.id", transactionalId);
    return new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
  }

  static Consumer<String, String> reader(String isolation, String... topics) {
    Properties p = new Properties();
    p.put("bootstrap.servers", bootstrap);
    p.put("isolation.level", isolation);
    Consumer<String, String> consumer = new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    List<TopicPartition> all = Stream.of(topics).map(topic -> new TopicPartition(topic, 0)).toList();
    consumer.assign(all);
    consumer.seekToBeginning(all);
    return consumer;
  }

  /** So many, or what comes in a moment. */
  static List<String> values(Consumer<String, String> reader, int count) {
    List<String> values = new ArrayList<>();
    long untilMs = System.currentTimeMillis() + (count == 0 ? 100 : 10_000);
    while (System.currentTimeMillis() < untilMs && (count == 0 || values.size() < count))
      for (ConsumerRecord<String, String> r : reader.poll(Duration.ofMillis(50))) values.add(r.value());
    return values;
  }

  static Long committed(Admin admin, String group, TopicPartition at) throws Exception {
    // Stable ones only: what a transaction may still change is waited for.
    ListConsumerGroupOffsetsOptions stable = new ListConsumerGroupOffsetsOptions();
    for (int i = 0; ; i++) {
      OffsetAndMetadata known = admin.listConsumerGroupOffsets(group, stable).partitionsToOffsetAndMetadata().get().get(at);
      Thread.sleep(20);
      OffsetAndMetadata again = admin.listConsumerGroupOffsets(group, stable).partitionsToOffsetAndMetadata().get().get(at);
      if (Objects.equals(known, again)) return known == null ? null : known.offset();
    }
  }

  static void check(boolean holds, String why) {
    if (!holds) throw new AssertionError(why);
  }
}
