package main

import (
	"reflect"
	"testing"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/cache"
)

func asked(segments ...sluicegate.Segment) sluicegate.Request {
	return sluicegate.Request{Segments: segments}
}

func TestSingleQuestionsAreLookedFor(t *testing.T) {
	p, err := plugin.New(`{"ttl_s": 60}`)
	if err != nil {
		t.Fatal(err)
	}
	system := sluicegate.Segment{Role: sluicegate.RoleSystem, Text: "Be brief."}
	question := sluicegate.Segment{Role: sluicegate.RoleUser, Text: " When do you ÖFFNEN?\n"}
	answer := sluicegate.Segment{Role: sluicegate.RoleAssistant, Text: "At nine."}
	for _, c := range []struct {
		request  sluicegate.Request
		findings []sluicegate.Finding
		want     cache.Intention
	}{
		{request: asked(system, question), want: cache.LookUp("when do you Öffnen?", time.Minute)},
		{request: asked(question, answer), want: cache.Bypass()},
		{request: asked(question, question), want: cache.Bypass()},
		{request: sluicegate.Request{Segments: asked(question).Segments, Tools: []sluicegate.ToolDefinition{{}}}, want: cache.Bypass()},
		{request: asked(question), findings: []sluicegate.Finding{{Rule: "email"}}, want: cache.Bypass()},
	} {
		if got, err := p.Plan(c.request, c.findings); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: %+v, %v", c.request, got, err)
		}
	}
}

func TestWholeAnswersAreKept(t *testing.T) {
	p, err := plugin.New("")
	if err != nil {
		t.Fatal(err)
	}
	for finish, want := range map[sluicegate.Finish]*cache.Admission{
		sluicegate.FinishStop: cache.FreshFor(time.Hour), sluicegate.FinishLength: nil,
	} {
		if got, _ := p.Admit(sluicegate.Request{}, sluicegate.Answer{Finish: finish}, nil); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v", finish, got)
		}
	}
}
