package main

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/router"
)

var targets = []router.Target{
	{Name: "a", Tags: []string{"large"}, Healthy: true},
	{Name: "b", Tags: []string{"small"}, Healthy: true},
	{Name: "c", Tags: []string{"small"}},
	{Name: "d", Tags: []string{"x", "small"}, Healthy: true},
}

func asked(text string, tokens int) sluicegate.Request {
	return sluicegate.Request{TokensEstimate: tokens, Segments: []sluicegate.Segment{{Role: sluicegate.RoleUser, Text: text}}}
}

func route(t *testing.T, config string, request sluicegate.Request, targets []router.Target) router.Routing {
	t.Helper()
	made, err := plugin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	routing, err := made.Route(request, targets)
	if err != nil {
		t.Fatal(err)
	}
	return routing
}

func TestWhoAnswers(t *testing.T) {
	withTools := asked("Look it up", 5)
	withTools.Tools = []sluicegate.ToolDefinition{{Name: "search"}}
	down := []router.Target{{Tags: []string{"small"}}}
	cases := map[string]struct {
		config  string
		request sluicegate.Request
		targets []router.Target
		want    router.Routing
	}{
		"a greeting":      {``, asked(" Hello\n", 2), targets, router.Answer("Hello. What can I do for you?").WithIntent("greeting")},
		"another one":     {`{"greetings": ["Moin "]}`, asked("mOIN", 2), targets, router.Answer("Hello. What can I do for you?").WithIntent("greeting")},
		"easy":            {``, asked("What is it?", 200), targets, router.Targets(1, 3).Rejected(0).WithIntent("easy")},
		"long":            {``, asked("What is it?", 201), targets, router.Targets(0).WithIntent("hard")},
		"with tools":      {``, withTools, targets, router.Targets(0).WithIntent("hard")},
		"no such tag":     {`{"small": "tiny"}`, asked("What?", 1), targets, router.Targets(0, 1, 3).Rejected(0).WithIntent("easy")},
		"nobody is there": {``, asked("What?", 1), down, router.Unchanged().Rejected().WithIntent("easy")},
	}
	for name, c := range cases {
		if got := route(t, c.config, c.request, c.targets); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
