// {{summary}}
package main

import (
	"errors"
	"strconv"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/requestguardrail"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"tokens": {"description": "The most tokens that a request may have.", "type": "integer", "minimum": 1, "default": 8000}
	}
}`

type config struct {
	Tokens int `json:"tokens"`
}

var plugin = &sluicegate.Plugin[config, guardrail]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{Tokens: 8000} },
	Configure:    configure,
}

func init() { requestguardrail.Serve(plugin) }
func main() {}

type guardrail struct {
	tokens int
}

func configure(c config) (guardrail, error) {
	if c.Tokens < 1 {
		return guardrail{}, errors.New("`tokens` must be at least 1")
	}
	return guardrail{c.Tokens}, nil
}

// CheckRequest implements requestguardrail.Guardrail.
func (g guardrail) CheckRequest(request sluicegate.Request) (requestguardrail.Verdict, error) {
	if request.TokensEstimate > g.tokens {
		reason := "The conversation is too long: it may have " + strconv.Itoa(g.tokens) + " tokens."
		return requestguardrail.Deny("{{name}}.too-long", reason), nil
	}
	return requestguardrail.Allow(), nil
}
