package router

import (
	"reflect"
	"testing"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/abi"
)

func some[T any](value T) *T { return &value }

func TestValuesComeBack(t *testing.T) {
	finding := sluicegate.Finding{Rule: "r", Score: 1}
	for _, r := range []Routing{
		Unchanged(), Targets(2, 0).Rejected(1).WithIntent("code"), Answer("a").WithFindings(finding), Escalate("q", "t"), Deny("c", "r"),
	} {
		at := abi.Alloc(72, 4)
		storeRouting(at, r)
		got := loadRouting(at)
		if len(got.OnRejection) == 0 {
			got.OnRejection = nil
		}
		if len(got.Findings) == 0 {
			got.Findings = nil
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("%+v", got)
		}
	}
	if got := Targets(); !reflect.DeepEqual(got, Unchanged()) {
		t.Errorf("no targets decide %+v", got)
	}
	target := Target{Name: "n", Provider: "p", Model: "m", Tags: []string{"a", "b"}, Healthy: true, InFlight: 3,
		FirstToken: some(200 * time.Millisecond), InputDollarsPerMillion: some(0.5), ContextTokens: some(8192)}
	at := abi.Alloc(96, 8)
	storeTarget(at, target)
	if got := loadTarget(at); !reflect.DeepEqual(got, target) {
		t.Errorf("%+v", got)
	}
}
