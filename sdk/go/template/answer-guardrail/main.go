// {{summary}}
package main

import (
	"errors"
	"strings"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/answerguardrail"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"phrase": {
			"description": "What an answer must not say, exactly as it is written.",
			"type": "string",
			"minLength": 1,
			"default": "I guarantee"
		}
	}
}`

type config struct {
	Phrase string `json:"phrase"`
}

var plugin = &sluicegate.Plugin[config, guardrail]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{Phrase: "I guarantee"} },
	Configure:    configure,
}

func init() { answerguardrail.Serve(plugin) }
func main() {}

type guardrail struct {
	phrase string
}

func configure(c config) (guardrail, error) {
	if c.Phrase == "" {
		return guardrail{}, errors.New("`phrase` must not be empty")
	}
	return guardrail{c.Phrase}, nil
}

// CheckAnswer implements answerguardrail.Guardrail.
func (g guardrail) CheckAnswer(_ sluicegate.Request, answer sluicegate.Answer) (answerguardrail.Verdict, error) {
	for _, segment := range answer.Segments {
		if segment.Channel == sluicegate.ChannelContent && strings.Contains(segment.Text, g.phrase) {
			return answerguardrail.Retry("Do not promise anything.").WithFindings(sluicegate.Finding{Rule: "promise", Score: 1}), nil
		}
	}
	return answerguardrail.Allow(), nil
}
