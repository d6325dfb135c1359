package patterns

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
)

func TestNativelyPatternsAreFound(t *testing.T) {
	set, err := Compile("b+", "🦉|a")
	if err != nil {
		t.Fatal(err)
	}
	want := []Match{
		{Expression: 1, Span: sluicegate.Span{Start: 0, End: 4}},
		{Expression: 0, Span: sluicegate.Span{Start: 4, End: 6}},
		{Expression: 1, Span: sluicegate.Span{Start: 6, End: 7}},
	}
	if got := set.Find("🦉bba"); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if _, err := Compile("("); err == nil {
		t.Error("a mistake is compiled")
	}
}
