package main

import (
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/requestguardrail"
)

func TestLongRequestsAreRefused(t *testing.T) {
	g, err := plugin.New(`{"tokens": 10}`)
	if err != nil {
		t.Fatal(err)
	}
	for tokens, want := range map[int]bool{10: false, 11: true} {
		verdict, err := g.CheckRequest(sluicegate.Request{TokensEstimate: tokens})
		if _, denied := verdict.Action.(requestguardrail.ActionDeny); err != nil || denied != want {
			t.Errorf("%d tokens: %+v, %v", tokens, verdict, err)
		}
	}
}
