// {{summary}}
package main

import (
	"errors"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/textguardrail"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"word": {"description": "What is masked, exactly as it is written.", "type": "string", "minLength": 1, "default": "Nightjar"}
	}
}`

type config struct {
	Word string `json:"word"`
}

var plugin = &sluicegate.Plugin[config, guardrail]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{Word: "Nightjar"} },
	Configure:    configure,
}

func init() { textguardrail.Serve(plugin) }
func main() {}

type guardrail struct {
	word string
}

func configure(c config) (guardrail, error) {
	if c.Word == "" {
		return guardrail{}, errors.New("`word` must not be empty")
	}
	return guardrail{c.Word}, nil
}

// Inspect implements textguardrail.Guardrail.
func (g guardrail) Inspect(window textguardrail.Window) textguardrail.Verdict {
	var edits []sluicegate.Edit
	var findings []sluicegate.Finding
	behind := window.Context
	for _, span := range textguardrail.Spans(window.Text, g.word) {
		// What ends in the context was released before.
		if span.End <= window.Context {
			continue
		}
		edits = append(edits, sluicegate.Mask(span, "[masked]"))
		findings = append(findings, sluicegate.FindingAt("word", span, 1))
		behind = span.End
	}
	// A stream may be cut inside the word: an end that could become it waits for more text.
	hold := textguardrail.Trailing(window.Text[behind:], g.word)
	return textguardrail.Edit(edits...).WithFindings(findings...).WithHold(hold)
}
