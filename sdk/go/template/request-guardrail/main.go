// {{summary}}
package main

import (
	"errors"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/requestguardrail"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"tokens_max": {"description": "Requests with more tokens are refused.", "type": "integer", "minimum": 1, "default": 8000}
	}
}`

type config struct {
	TokensMax int `json:"tokens_max"`
}

var plugin = &sluicegate.Plugin[config, guardrail]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{TokensMax: 8000} },
	Configure:    configure,
}

func init() { requestguardrail.Serve(plugin) }
func main() {}

type guardrail struct {
	tokensMax int
}

func configure(c config) (guardrail, error) {
	if c.TokensMax < 1 {
		return guardrail{}, errors.New("`tokens_max` must be at least 1")
	}
	return guardrail{c.TokensMax}, nil
}

// CheckRequest implements requestguardrail.Guardrail.
func (g guardrail) CheckRequest(request sluicegate.Request) (requestguardrail.Verdict, error) {
	if request.TokensEstimate > g.tokensMax {
		return requestguardrail.Deny("too-long", "This request is too long. Please send less text."), nil
	}
	return requestguardrail.Allow(), nil
}
