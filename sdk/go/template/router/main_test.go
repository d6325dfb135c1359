package main

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/router"
)

func TestCodeGoesToThoseWhoCan(t *testing.T) {
	r, err := plugin.New("")
	if err != nil {
		t.Fatal(err)
	}
	targets := []router.Target{{Healthy: true}, {Tags: []string{"code"}}, {Tags: []string{"code"}, Healthy: true}}
	for _, c := range []struct {
		text    string
		targets []router.Target
		want    router.Routing
	}{
		{"Why does ```x``` not compile?", targets, router.Targets(2).WithIntent("code")},
		{"Why does ```x``` not compile?", targets[:2], router.Unchanged().WithIntent("code")},
		{"What is the weather?", targets, router.Unchanged()},
	} {
		request := sluicegate.Request{Segments: []sluicegate.Segment{{Role: sluicegate.RoleUser, Text: c.text}}}
		if got, err := r.Route(request, c.targets); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, %v", c.text, got, err)
		}
	}
}
