package main

import (
	"testing"

	"github.com/sluicegate/sluicegate/sdk/go/textguardrail"
)

func made(t *testing.T, config string) guardrail {
	t.Helper()
	g, err := plugin.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestTheWordIsMaskedInAStream(t *testing.T) {
	got := textguardrail.Stream(made(t, ""), textguardrail.Answer(""), []string{"When will Nigh", "tjar fly?"}, 256)
	if got.Released != "When will [masked] fly?" || len(got.Findings) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestOtherWordsAreNot(t *testing.T) {
	got := textguardrail.Stream(made(t, `{"word": "Kiwi"}`), textguardrail.Answer(""), []string{"Nightjar ki", "wi"}, 256)
	if got.Released != "Nightjar kiwi" {
		t.Errorf("%+v", got)
	}
}

func TestAnEmptyWordIsRefused(t *testing.T) {
	if _, err := plugin.New(`{"word": ""}`); err == nil {
		t.Error("it is taken")
	}
}
