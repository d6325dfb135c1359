// {{summary}}
package main

import (
	"errors"
	"strings"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/cache"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"ttl_s": {"description": "Seconds for which an answer is fresh.", "type": "integer", "minimum": 1, "default": 3600}
	}
}`

type config struct {
	TTL int `json:"ttl_s"`
}

var plugin = &sluicegate.Plugin[config, policy]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{TTL: 3600} },
	Configure:    configure,
}

func init() { cache.Serve(plugin) }
func main() {}

type policy struct {
	ttl time.Duration
}

func configure(c config) (policy, error) {
	if c.TTL < 1 {
		return policy{}, errors.New("`ttl_s` must be at least 1")
	}
	return policy{time.Duration(c.TTL) * time.Second}, nil
}

// Plan implements cache.Policy: a single question is looked for.
func (p policy) Plan(request sluicegate.Request, findings []sluicegate.Finding) (cache.Intention, error) {
	var said []string
	for _, s := range request.Segments {
		switch {
		case s.Role == sluicegate.RoleAssistant || s.Role == sluicegate.RoleTool:
			// A conversation that has begun is hardly ever had again.
			return cache.Bypass(), nil
		case s.Role == sluicegate.RoleUser && s.Channel == sluicegate.ChannelContent:
			said = append(said, s.Text)
		}
	}
	if len(findings) > 0 || len(request.Tools) > 0 || len(said) != 1 {
		return cache.Bypass(), nil
	}
	return cache.LookUp(strings.Map(lower, strings.Trim(said[0], " \t\n\f\r")), p.ttl), nil
}

// Accept implements cache.Policy. Nothing is looked for by its meaning, so it is not asked.
func (p policy) Accept(sluicegate.Request, cache.Candidate) (bool, error) {
	return false, nil
}

// Admit implements cache.Policy: what was answered to the end is kept, if no guardrail found anything.
func (p policy) Admit(_ sluicegate.Request, answer sluicegate.Answer, findings []sluicegate.Finding) (*cache.Admission, error) {
	if len(findings) > 0 || answer.Finish != sluicegate.FinishStop {
		return nil, nil
	}
	return cache.FreshFor(p.ttl), nil
}

// lower gives a letter of ASCII in lower case.
func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}
