// franz-go against a schema registry: its client and serde with hamba/avro through Kafka, what others wrote read as Avro, and
// what its client asks of subjects. Arguments: bootstrap, registry url, topic to write, then topics of others. Prints one
// line of JSON for each thing done: what it is, and what came of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

const text = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"item","type":"string"},{"name":"count","type":"int"}]}`

type order struct {
	Item  string `avro:"item" json:"item"`
	Count int    `avro:"count" json:"count"`
}

var orders = []order{{"tea", 2}, {"größer", -1}}

func main() {
	bootstrap, url, topic, others := os.Args[1], os.Args[2], os.Args[3], os.Args[4:]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	registry := must(sr.NewClient(sr.URLs(url)))
	write(ctx, registry, bootstrap, topic)
	for _, each := range append([]string{topic}, others...) {
		tell("read: "+each, read(ctx, registry, bootstrap, each))
	}
	subjects(ctx, registry, topic+"-subject")
}

func write(ctx context.Context, registry *sr.Client, bootstrap, topic string) {
	created := must(registry.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: text}))
	parsed := must(avro.Parse(text))
	var serde sr.Serde
	serde.Register(created.ID, order{}, sr.EncodeFn(func(v any) ([]byte, error) { return avro.Marshal(parsed, v) }))
	client := must(kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.AllowAutoTopicCreation(), kgo.RecordPartitioner(kgo.ManualPartitioner())))
	defer client.Close()
	for _, each := range orders {
		value := must(serde.Encode(each))
		check(client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: value}).FirstErr())
	}
}

func read(ctx context.Context, registry *sr.Client, bootstrap, topic string) []order {
	from := map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}
	client := must(kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumePartitions(from)))
	defer client.Close()
	found := []order{}
	for len(found) < len(orders) {
		fetches := client.PollFetches(ctx)
		check(fetches.Err())
		for _, record := range fetches.Records() {
			var header sr.ConfluentHeader
			id, datum, err := header.DecodeID(record.Value)
			check(err)
			var one order
			check(avro.Unmarshal(must(avro.Parse(must(registry.SchemaByID(ctx, id)).Schema)), datum, &one))
			found = append(found, one)
		}
	}
	return found
}

func subjects(ctx context.Context, registry *sr.Client, subject string) {
	created := must(registry.CreateSchema(ctx, subject, sr.Schema{Schema: text}))
	tell("version", created.Version)
	tell("looked up", must(registry.LookupSchema(ctx, subject, sr.Schema{Schema: text})).ID == created.ID)
	tell("versions", must(registry.SubjectVersions(ctx, subject)))
	other := sr.Schema{Schema: `"string"`}
	tell("compatible", must(registry.CheckCompatibility(ctx, subject, -1, other)).Is)
	_, err := registry.CreateSchema(ctx, subject, other)
	tell("refused", codeOf(err))
	set := registry.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatFull}, subject)
	check(set[0].Err)
	tell("compatibility", registry.Compatibility(ctx, subject)[0].Level.String())
	list := sr.Schema{
		Schema:     `{"type":"record","name":"Orders","namespace":"shop","fields":[{"name":"all","type":{"type":"array","items":"Order"}}]}`,
		References: []sr.SchemaReference{{Name: "shop.Order", Subject: subject, Version: 1}},
	}
	listed := must(registry.CreateSchema(ctx, subject+"-list", list))
	referring := must(registry.SchemaReferences(ctx, subject, 1))
	tell("referred to", len(referring) == 1 && referring[0].ID == listed.ID)
	tell("deleted", []any{must(registry.DeleteSubject(ctx, subject+"-list", sr.SoftDelete)), must(registry.DeleteSubject(ctx, subject+"-list", sr.HardDelete))})
	_, err = registry.SchemaByVersion(ctx, subject+"-list", 1)
	tell("gone", codeOf(err))
}

func codeOf(err error) int {
	var refused *sr.ResponseError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	return -1
}

func tell(what string, found any) {
	fmt.Println(string(must(json.Marshal(map[string]any{"what": what, "found": found}))))
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
