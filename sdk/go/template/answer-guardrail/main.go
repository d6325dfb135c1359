// {{summary}}
package main

import (
	"errors"
	"slices"
	"strings"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/answerguardrail"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"phrases": {
			"description": "What an answer must not say, whether in capitals or not.",
			"type": "array",
			"items": {"type": "string", "minLength": 1},
			"default": ["we guarantee", "money back"]
		}
	}
}`

type config struct {
	Phrases []string `json:"phrases"`
}

var plugin = &sluicegate.Plugin[config, guardrail]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{Phrases: []string{"we guarantee", "money back"}} },
	Configure:    configure,
}

func init() { answerguardrail.Serve(plugin) }
func main() {}

type guardrail struct {
	phrases []string
}

func configure(c config) (guardrail, error) {
	if slices.Contains(c.Phrases, "") {
		return guardrail{}, errors.New("`phrases` must not hold an empty one")
	}
	var g guardrail
	for _, phrase := range c.Phrases {
		g.phrases = append(g.phrases, strings.ToLower(phrase))
	}
	return g, nil
}

// CheckAnswer implements answerguardrail.Guardrail.
func (g guardrail) CheckAnswer(_ sluicegate.Request, answer sluicegate.Answer) (answerguardrail.Verdict, error) {
	for _, segment := range answer.Segments {
		said := strings.ToLower(segment.Text)
		for _, phrase := range g.phrases {
			if segment.Channel == sluicegate.ChannelContent && strings.Contains(said, phrase) {
				return answerguardrail.Retry("Answer without promises.").WithFindings(sluicegate.Finding{Rule: "promise", Score: 1}), nil
			}
		}
	}
	return answerguardrail.Allow(), nil
}
