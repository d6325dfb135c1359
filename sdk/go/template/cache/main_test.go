package main

import (
	"reflect"
	"testing"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/cache"
)

func TestSingleQuestionsAreLookedFor(t *testing.T) {
	p, err := plugin.New(`{"ttl_s": 60}`)
	if err != nil {
		t.Fatal(err)
	}
	asked := sluicegate.Request{Segments: []sluicegate.Segment{{Role: sluicegate.RoleUser, Text: " What? "}}}
	if got, _ := p.Plan(asked, nil); !reflect.DeepEqual(got, cache.LookUp("what?", time.Minute)) {
		t.Errorf("%+v", got)
	}
	if got, _ := p.Plan(asked, []sluicegate.Finding{{Rule: "email"}}); got != cache.Bypass() {
		t.Errorf("%+v", got)
	}
}

func TestWholeAnswersAreKept(t *testing.T) {
	p, err := plugin.New("")
	if err != nil {
		t.Fatal(err)
	}
	for finish, want := range map[sluicegate.Finish]*cache.Admission{
		sluicegate.FinishStop: cache.FreshFor(10 * time.Minute), sluicegate.FinishLength: nil,
	} {
		if got, _ := p.Admit(sluicegate.Request{}, sluicegate.Answer{Finish: finish}, nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v", finish, got)
		}
	}
}
