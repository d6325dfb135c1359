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
	for text, want := range map[string]router.Routing{
		"Why does ```x``` not compile?": router.Targets(2).WithIntent("code"),
		"What is the weather?":          router.Unchanged(),
	} {
		request := sluicegate.Request{Segments: []sluicegate.Segment{{Role: sluicegate.RoleUser, Text: text}}}
		if got, err := r.Route(request, targets); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}
