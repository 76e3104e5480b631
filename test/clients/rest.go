// Confluent's own client of the REST Proxy's v3, generated from its OpenAPI document, against a broker: every resource it
// knows, and records. One line for each thing that holds; the first that does not ends it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/antihax/optional"
	rest "github.com/confluentinc/kafka-rest-sdk-go/kafkarestv3"
)

var clusterId string

func must[T any](value T, answer any, err error) T {
	if err != nil {
		if told, ok := err.(rest.GenericOpenAPIError); ok {
			fmt.Printf("FAILED %v: %s\n", err, told.Body())
		} else {
			fmt.Printf("FAILED %v\n", err)
		}
		os.Exit(1)
	}
	return value
}

func holds(what string, is bool) {
	if !is {
		fmt.Printf("FAILED %s\n", what)
		os.Exit(1)
	}
	fmt.Printf("ok %s\n", what)
}

func done(answer any, err error) { must(0, answer, err) }

func main() {
	topic, group := os.Args[2], os.Args[3]
	configuration := rest.NewConfiguration()
	configuration.BasePath = os.Args[1] + "/v3"
	client := rest.NewAPIClient(configuration)
	ctx := context.Background()

	clusters := must(client.ClusterV3Api.ClustersGet(ctx))
	clusterId = clusters.Data[0].ClusterId
	holds("one cluster, by its id", len(clusters.Data) == 1 && must(client.ClusterV3Api.GetKafkaCluster(ctx, clusterId)).ClusterId == clusterId)
	brokers := must(client.BrokerV3Api.ClustersClusterIdBrokersGet(ctx, clusterId))
	broker := must(client.BrokerV3Api.ClustersClusterIdBrokersBrokerIdGet(ctx, clusterId, brokers.Data[0].BrokerId))
	holds("brokers with host and port", broker.Kind == "KafkaBroker" && *broker.Port > 0)
	configs := must(client.ConfigsV3Api.ClustersClusterIdBrokersBrokerIdConfigsGet(ctx, clusterId, broker.BrokerId))
	holds("configs of a broker", len(configs.Data) > 10)
	must(client.ConfigsV3Api.ListKafkaClusterConfigs(ctx, clusterId))

	compact := "compact"
	created := must(client.TopicV3Api.CreateKafkaTopic(ctx, clusterId, &rest.CreateKafkaTopicOpts{
		CreateTopicRequestData: optional.NewInterface(rest.CreateTopicRequestData{
			TopicName: topic, PartitionsCount: 3, ReplicationFactor: 1,
			Configs: []rest.CreateTopicRequestDataConfigs{{Name: "cleanup.policy", Value: &compact}},
		}),
	}))
	holds("a topic is created", created.TopicName == topic && created.ReplicationFactor == 1)
	found := false
	for _, data := range must(client.TopicV3Api.ListKafkaTopics(ctx, clusterId)).Data {
		found = found || data.TopicName == topic
	}
	holds("and listed, and found", found && must(client.TopicV3Api.GetKafkaTopic(ctx, clusterId, topic)).Kind == "KafkaTopic")
	_, answer, err := client.TopicV3Api.GetKafkaTopic(ctx, clusterId, topic+"-not")
	holds("one that is not there is a 404 with the proxy's error", err != nil && answer.StatusCode == 404)

	milliseconds, set := "60000", "SET"
	done(client.ConfigsV3Api.UpdateKafkaTopicConfig(ctx, clusterId, topic, "retention.ms", &rest.UpdateKafkaTopicConfigOpts{
		UpdateConfigRequestData: optional.NewInterface(rest.UpdateConfigRequestData{Value: &milliseconds}),
	}))
	remove := "DELETE"
	done(client.ConfigsV3Api.UpdateKafkaTopicConfigBatch(ctx, clusterId, topic, &rest.UpdateKafkaTopicConfigBatchOpts{
		AlterConfigBatchRequestData: optional.NewInterface(rest.AlterConfigBatchRequestData{
			Data: []rest.AlterConfigBatchRequestDataData{
				{Name: "segment.ms", Value: &milliseconds, Operation: &set}, {Name: "cleanup.policy", Operation: &remove},
			},
		}),
	}))
	retention := must(client.ConfigsV3Api.GetKafkaTopicConfig(ctx, clusterId, topic, "retention.ms"))
	policy := must(client.ConfigsV3Api.GetKafkaTopicConfig(ctx, clusterId, topic, "cleanup.policy"))
	holds("configs are set, one and several, and go back to their defaults", *retention.Value == milliseconds && !retention.IsDefault && *policy.Value == "delete" && policy.IsDefault)
	done(client.ConfigsV3Api.DeleteKafkaTopicConfig(ctx, clusterId, topic, "retention.ms"))
	holds("configs of all topics", len(must(client.ConfigsV3Api.ListKafkaAllTopicConfigs(ctx, clusterId)).Data) >= len(must(client.ConfigsV3Api.ListKafkaTopicConfigs(ctx, clusterId, topic)).Data))

	partitions := must(client.PartitionV3Api.ListKafkaPartitions(ctx, clusterId, topic))
	partition := must(client.PartitionV3Api.GetKafkaPartition(ctx, clusterId, topic, 2))
	holds("partitions with leader and replicas", len(partitions.Data) == 3 && partition.PartitionId == 2)
	replicas := must(client.ReplicaApi.ClustersClusterIdTopicsTopicNamePartitionsPartitionIdReplicasGet(ctx, clusterId, topic, 2))
	replica := must(client.ReplicaApi.ClustersClusterIdTopicsTopicNamePartitionsPartitionIdReplicasBrokerIdGet(ctx, clusterId, topic, 2, replicas.Data[0].BrokerId))
	holds("replicas, leading and in sync", replica.IsLeader && replica.IsInSync)
	holds("no reassignments", len(must(client.PartitionApi.ClustersClusterIdTopicsPartitionsReassignmentGet(ctx, clusterId)).Data) == 0)

	for i := range 10 {
		var data any = map[string]any{"n": i}
		var key any = fmt.Sprint("key-", i)
		to := int32(1)
		produced := must(client.RecordsV3Api.ClustersClusterIdTopicsTopicNameRecordsPost(ctx, clusterId, topic, &rest.ClustersClusterIdTopicsTopicNameRecordsPostOpts{
			ProduceRequest: optional.NewInterface(rest.ProduceRequest{
				PartitionId: &to,
				Key:         &rest.ProduceRequestData{Type: "STRING", Data: &key},
				Value:       &rest.ProduceRequestData{Type: "JSON", Data: &data},
			}),
		}))
		if produced.Offset != int32(i) || produced.PartitionId != 1 || produced.Value.Size != 7 {
			holds(fmt.Sprintf("record %d is stored: %+v", i, produced), false)
		}
	}
	holds("ten records are stored, in order", true)

	if group == "" {
		return
	}
	state := must(client.ConsumerGroupV3Api.GetKafkaConsumerGroup(ctx, clusterId, group))
	holds("the group is there, stable", fmt.Sprint(state.State) == "STABLE" && !state.IsSimple)
	consumers := must(client.ConsumerGroupV3Api.ListKafkaConsumers(ctx, clusterId, group))
	consumer := must(client.ConsumerGroupV3Api.GetKafkaConsumer(ctx, clusterId, group, consumers.Data[0].ConsumerId))
	assignments := must(client.ConsumerGroupV3Api.ListKafkaConsumerAssignment(ctx, clusterId, group, consumer.ConsumerId))
	holds("its consumer, and what that is assigned", len(consumers.Data) == 1 && len(assignments.Data) == 1)
	lags := must(client.ConsumerGroupV3Api.ListKafkaConsumerLags(ctx, clusterId, group))
	summary := must(client.ConsumerGroupV3Api.GetKafkaConsumerGroupLagSummary(ctx, clusterId, group))
	holds("its lag, and in all", len(lags.Data) == 1 && lags.Data[0].Lag == 2 && summary.TotalLag == 2)
	done(client.TopicV3Api.DeleteKafkaTopic(ctx, clusterId, topic))
	holds("the topic is deleted", true)
}
