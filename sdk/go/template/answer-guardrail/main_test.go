package main

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/answerguardrail"
)

func TestPromisesAreAskedForOnceMore(t *testing.T) {
	g, err := plugin.New("")
	if err != nil {
		t.Fatal(err)
	}
	again := answerguardrail.Retry("Do not promise anything.").WithFindings(sluicegate.Finding{Rule: "promise", Score: 1})
	for text, want := range map[string]answerguardrail.Verdict{
		"I guarantee that it comes.": again,
		"It should come.":            answerguardrail.Allow(),
	} {
		answer := sluicegate.Answer{Segments: []sluicegate.Segment{{Role: sluicegate.RoleAssistant, Text: text}}}
		got, err := g.CheckAnswer(sluicegate.Request{}, answer)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
