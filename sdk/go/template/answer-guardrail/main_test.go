package main

import (
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/answerguardrail"
)

func TestPromisesAreAskedForOnceMore(t *testing.T) {
	g, err := plugin.New("")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"You get your MONEY back.": true, "It costs money.": false} {
		answer := sluicegate.Answer{Segments: []sluicegate.Segment{{Role: sluicegate.RoleAssistant, Text: text}}}
		verdict, err := g.CheckAnswer(sluicegate.Request{}, answer)
		if _, again := verdict.Action.(answerguardrail.ActionRetry); err != nil || again != want {
			t.Errorf("%q: %+v, %v", text, verdict, err)
		}
	}
}
