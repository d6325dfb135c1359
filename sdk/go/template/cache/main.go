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
		"ttl_s": {"description": "For how many seconds an answer is fresh.", "type": "integer", "minimum": 1, "default": 600}
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
	Defaults:     func() config { return config{TTL: 600} },
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

// Plan implements cache.Policy: a single question is looked for, whatever its case.
func (p policy) Plan(request sluicegate.Request, findings []sluicegate.Finding) (cache.Intention, error) {
	last := request.SaidLast()
	if len(findings) > 0 || len(request.Tools) > 0 || len(request.Segments) != 1 || len(last) != 1 {
		return cache.Bypass(), nil
	}
	return cache.LookUp(strings.ToLower(strings.TrimSpace(last[0].Text)), p.ttl), nil
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
