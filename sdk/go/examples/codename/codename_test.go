package main

import (
	"reflect"
	"testing"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/textguardrail"
)

func guardrail(t *testing.T, config string) codename {
	t.Helper()
	made, err := plugin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestNamesAreMasked(t *testing.T) {
	g := guardrail(t, `{"names": ["Night", "Nightjar", "Ébène"]}`)
	for text, want := range map[string]string{
		"Nightjar and Night":   "[codename] and [codename]",
		"🦉 Ébène, e\u0301bène": "🦉 [codename], e\u0301bène",
		"NightNightjarjar":     "[codename][codename]jar",
		"nightjar":             "nightjar",
	} {
		verdict := g.Inspect(textguardrail.Request(text))
		edits, _ := verdict.Action.(textguardrail.ActionEdit)
		if got := sluicegate.Apply(text, edits.Value); got != want || len(verdict.Findings) != len(edits.Value) {
			t.Errorf("%q: %q, %+v", text, got, verdict.Findings)
		}
	}
}

func TestAStreamIsMaskedHoweverItIsCut(t *testing.T) {
	g := guardrail(t, `{"names": ["Night", "Nightjar", "Ébène"]}`)
	text := "Night, Nightja, Nightjar Ébène 🦉N"
	whole := textguardrail.Stream(g, textguardrail.Answer(""), []string{text}, 64)
	if whole.Released != "[codename], [codename]ja, [codename] [codename] 🦉N" {
		t.Error(whole.Released)
	}
	for one := range text {
		for other := range text[one:] {
			chunks := []string{text[:one], text[one : one+other], text[one+other:]}
			got := textguardrail.Stream(g, textguardrail.Answer(""), chunks, 64)
			got.HeldMax = 0
			if !reflect.DeepEqual(got, whole) {
				t.Errorf("%q: %+v", chunks, got)
			}
		}
	}
}

func TestANameIsRefused(t *testing.T) {
	g := guardrail(t, `{"names": ["Nightjar"], "refuse": true}`)
	want := textguardrail.Deny("codename.blocked", "A code name must not be named here.").
		WithFindings(sluicegate.FindingAt("codename", sluicegate.Span{Start: 4, End: 12}, 1))
	if got := g.Inspect(textguardrail.Request("The Nightjar")); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	if got := g.Inspect(textguardrail.Request("The night jar")); !reflect.DeepEqual(got, textguardrail.Allow()) {
		t.Errorf("%+v", got)
	}
}

func TestAConfigurationNeedsNames(t *testing.T) {
	for _, config := range []string{"", `{"names": []}`, `{"names": [""]}`} {
		if _, err := plugin.New(config); err == nil {
			t.Errorf("%s is taken", config)
		}
	}
}
