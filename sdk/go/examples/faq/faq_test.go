package main

import (
	"reflect"
	"testing"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/cache"
)

func policy(t *testing.T, config string) faq {
	t.Helper()
	made, err := plugin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func asked(texts ...string) sluicegate.Request {
	var request sluicegate.Request
	for _, text := range texts {
		request.Segments = append(request.Segments, sluicegate.Segment{Role: sluicegate.RoleUser, Text: text})
	}
	return request
}

func TestPlan(t *testing.T) {
	withTools := asked("What?")
	withTools.Tools = []sluicegate.ToolDefinition{{Name: "search"}}
	found := []sluicegate.Finding{{Rule: "email"}}
	look := cache.LookUpByMeaning("how much is it", time.Minute, "how much is it", 0.5)
	cases := map[string]struct {
		request  sluicegate.Request
		findings []sluicegate.Finding
		want     cache.Intention
	}{
		"a question":    {asked("  How  MUCH\tis it ?!. "), nil, look},
		"two questions": {asked("How much?", "And now?"), nil, cache.Bypass()},
		"nothing":       {asked(" ?"), nil, cache.Bypass()},
		"findings":      {asked("What?"), found, cache.Bypass()},
		"tools":         {withTools, nil, cache.Bypass()},
	}
	for name, c := range cases {
		got, err := policy(t, `{"ttl_s": 60, "threshold": 0.5}`).Plan(c.request, c.findings)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestNumbersMustBeTheSame(t *testing.T) {
	for question, want := range map[string]bool{"2 adults, 10 days": true, "10 days, 2 adults": false, "adults": false, "2 adults, 010 days": false} {
		got, _ := policy(t, "").Accept(asked("For 2 adults and 10 days?"), cache.Candidate{Question: question})
		if got != want {
			t.Errorf("%s: %v", question, got)
		}
	}
}

func TestAdmit(t *testing.T) {
	answer := sluicegate.Answer{Segments: []sluicegate.Segment{{Role: sluicegate.RoleAssistant, Text: "49 euros."}}}
	short := answer
	short.Finish = sluicegate.FinishLength
	blank := sluicegate.Answer{Segments: []sluicegate.Segment{{Text: " \n"}}}
	f := policy(t, "{}")
	if got, _ := f.Admit(asked("What?"), answer, nil); got == nil || got.TTL != time.Hour {
		t.Errorf("%+v", got)
	}
	for _, answer := range []sluicegate.Answer{short, blank, {}} {
		if got, _ := f.Admit(asked("What?"), answer, nil); got != nil {
			t.Errorf("%+v is kept", answer)
		}
	}
	if got, _ := f.Admit(asked("What?"), answer, []sluicegate.Finding{{Rule: "email"}}); got != nil {
		t.Error("what a guardrail found something in is kept")
	}
}

func TestWrongConfigurations(t *testing.T) {
	for _, config := range []string{`{"ttl_s": 0}`, `{"threshold": 1.1}`, `{"ttl_s": "x"}`} {
		if _, err := plugin.New(config); err == nil {
			t.Errorf("%s is taken", config)
		}
	}
}
