package answerguardrail

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/abi"
)

type cut struct{}

func (cut) CheckAnswer(request sluicegate.Request, answer sluicegate.Answer) (Verdict, error) {
	return Edit(sluicegate.Mask(sluicegate.Span{Start: 1, End: 2}, "x").In(answer.Segments[0])), nil
}

func TestWhatTheHostGets(t *testing.T) {
	guardrail = func() Guardrail { return cut{} }
	got, err := check(sluicegate.Request{}, sluicegate.Answer{Segments: []sluicegate.Segment{{ID: 3, Text: "🦉"}}})
	want := Edit(sluicegate.SegmentEdit{Segment: 3, Edit: sluicegate.Mask(sluicegate.Span{End: 4}, "x")})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	at := abi.Alloc(40, 4)
	storeVerdict(at, want)
	if got := loadVerdict(at); !reflect.DeepEqual(got.Action, want.Action) {
		t.Errorf("%+v", got)
	}
}
