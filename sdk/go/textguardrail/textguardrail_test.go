package textguardrail

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/abi"
	"github.com/sluicegate/sluicegate/sdk/go/patterns"
)

func TestVerdictsAreClamped(t *testing.T) {
	v := Edit(sluicegate.Mask(sluicegate.Span{Start: 2, End: 3}, "x")).
		WithFindings(sluicegate.FindingAt("r", sluicegate.Span{Start: 4, End: 40}, 1), sluicegate.Finding{Rule: "s"}).
		WithHold(1).Clamp("a🦉")
	span := v.Action.(ActionEdit).Value[0].Span
	if span != (sluicegate.Span{Start: 1, End: 5}) || *v.Findings[0].Span != span || v.Hold != 4 {
		t.Errorf("%+v", v)
	}
	for hold, want := range map[int]int{-1: 0, 0: 0, 4: 4, 9: 5} {
		if got := Allow().WithHold(hold).Clamp("a🦉").Hold; got != want {
			t.Errorf("%d: %d", hold, got)
		}
	}
}

func TestWhatTrails(t *testing.T) {
	for _, c := range []struct {
		text  string
		words []string
		want  int
	}{
		{"the Nig", []string{"Nightjar"}, 3},
		{"the Nightjar", []string{"Nightjar"}, 0},
		{"the Night", []string{"Night", "Nightjar"}, 5},
		{"Nig", []string{"Nig", "x"}, 0},
		{"aé", []string{"éa"}, 2},
		{"", []string{"a"}, 0},
		{"\u00e8", []string{"\u00e9"}, 0},
	} {
		if got := Trailing(c.text, c.words...); got != c.want {
			t.Errorf("%q %q: %d", c.text, c.words, got)
		}
	}
	upper := func(r rune) bool { return r >= 'A' && r <= 'Z' || r == 'É' }
	if got := TrailingRun("xABÉ", 3, upper); got != 3 {
		t.Error(got)
	}
	if got := TrailingRun("xABÉ", 100, upper); got != 4 {
		t.Error(got)
	}
}

func TestAnEmptyEditAllows(t *testing.T) {
	if got := Edit(); !reflect.DeepEqual(got, Allow()) {
		t.Errorf("%+v", got)
	}
}

func TestVerdictsComeBack(t *testing.T) {
	for _, v := range []Verdict{
		Allow(),
		Deny("c", "r").WithHold(3),
		Edit(sluicegate.Restore(sluicegate.Span{Start: 1, End: 2}, "[x]")).WithFindings(sluicegate.FindingAt("r", sluicegate.Span{}, 1)),
	} {
		at := abi.Alloc(44, 4)
		storeVerdict(at, v)
		got := loadVerdict(at)
		if len(got.Findings) == 0 {
			got.Findings = nil
		}
		if !reflect.DeepEqual(got, v) {
			t.Errorf("%+v", got)
		}
	}
	at := abi.Alloc(20, 4)
	storeWindow(at, Answer("🦉"))
	if got := loadWindow(at); got != Answer("🦉") {
		t.Errorf("%+v", got)
	}
	storeVerdict(abi.Alloc(44, 4), Verdict{})
}

type masker struct{}

func (masker) Inspect(w Window) Verdict {
	var edits []sluicegate.Edit
	for _, span := range Spans(w.Text, "🦉x") {
		edits = append(edits, sluicegate.Mask(span, "-"))
	}
	return Edit(edits...).WithHold(Trailing(w.Text, "🦉x"))
}

func TestAStream(t *testing.T) {
	got := Stream(masker{}, Answer(""), []string{"a🦉", "x🦉", "🦉x"}, 4)
	if got.Released != "a-🦉-" || got.HeldMax != 4 {
		t.Errorf("%+v", got)
	}
}

type filtered struct {
	masker
	filter Prefilter
}

func (f filtered) Prefilter() Prefilter { return f.filter }

func TestAPrefilterMustFit(t *testing.T) {
	triggers, err := patterns.Compile("🦉x")
	if err != nil {
		t.Fatal(err)
	}
	chunks := []string{"a🦉", "x🦉", "y"}
	got := Stream(filtered{filter: Prefilter{Triggers: triggers, Tail: "🦉"}}, Answer(""), chunks, 4)
	if got.Released != "a-🦉y" {
		t.Errorf("%+v", got)
	}
	defer func() {
		if recover() == nil {
			t.Error("a prefilter that holds back less passes")
		}
	}()
	Stream(filtered{filter: Prefilter{Triggers: triggers, Tail: "y"}}, Answer(""), chunks, 4)
}
