package main

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/requestguardrail"
)

func TestLongRequestsAreRefused(t *testing.T) {
	g, err := plugin.New(`{"tokens_max": 10}`)
	if err != nil {
		t.Fatal(err)
	}
	for tokens, want := range map[int]requestguardrail.Verdict{
		10: requestguardrail.Allow(),
		11: requestguardrail.Deny("too-long", "This request is too long. Please send less text."),
	} {
		got, err := g.CheckRequest(sluicegate.Request{TokensEstimate: tokens})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d tokens: %+v, %v", tokens, got, err)
		}
	}
}
