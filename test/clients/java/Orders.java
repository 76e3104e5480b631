// A stateful application with everything that exactly_once_v2 has to hold together: a repartition topic, two changelogs, a
// join with a table. Orders arrive as "customer amount". It answers with, per customer, how many orders there were and what
// they sum up to, after every single order; and per region of the customers how many orders.

import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Repartitioned;

public class Orders {
  public static void main(String[] args) {
    Properties p = new Properties();
    p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
    p.put(StreamsConfig.APPLICATION_ID_CONFIG, args[1]);
    p.put(StreamsConfig.STATE_DIR_CONFIG, args[2]);
    p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
    // Longer than a broker is gone: who is killed is fenced by its own return.
    p.put(StreamsConfig.producerPrefix(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG), 60_000);
    p.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, 1);
    // What has been taken from a repartition topic is deleted there.
    p.put(StreamsConfig.REPARTITION_PURGE_INTERVAL_MS_CONFIG, 1_000);
    p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 6_000);
    p.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 1_000);

    StreamsBuilder builder = new StreamsBuilder();
    KTable<String, String> regions = builder.table("customers", Materialized.as("regions"));
    KStream<String, String> orders = builder.<String, String>stream("orders")
        .selectKey((id, order) -> order.split(" ")[0], Named.as("by-customer"))
        .repartition(Repartitioned.as("by-customer"));
    orders.groupByKey(Grouped.as("customers"))
        .aggregate(() -> "0 0", (customer, order, total) -> {
          String[] was = total.split(" ");
          long sum = Long.parseLong(was[1]) + Long.parseLong(order.split(" ")[1]);
          return (Long.parseLong(was[0]) + 1) + " " + sum;
        }, Materialized.as("totals"))
        .toStream().to("totals");
    orders.join(regions, (order, region) -> region)
        .groupBy((customer, region) -> region, Grouped.as("by-region"))
        .count(Materialized.as("counts"))
        .toStream().mapValues(String::valueOf).to("counts");

    KafkaStreams streams = new KafkaStreams(builder.build(), p);
    streams.setUncaughtExceptionHandler(thrown -> {
      thrown.printStackTrace();
      return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.REPLACE_THREAD;
    });
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }
}
