// Faq answers single questions from memory.
package main

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/cache"
)

//go:embed config.schema.json
var schema string

type config struct {
	TTL       int     `json:"ttl_s"`
	Threshold float32 `json:"threshold"`
}

var plugin = &sluicegate.Plugin[config, faq]{
	Name:         "faq",
	Version:      "0.1.0",
	Summary:      "Answers single questions from memory.",
	ConfigSchema: schema,
	Defaults:     func() config { return config{TTL: 3600, Threshold: 0.92} },
	Configure:    configure,
}

func init() { cache.Serve(plugin) }
func main() {}

type faq struct {
	ttl       time.Duration
	threshold float32
}

func configure(c config) (faq, error) {
	if c.TTL < 1 {
		return faq{}, errors.New("`ttl_s` must be at least 1")
	}
	if !(c.Threshold >= 0 && c.Threshold <= 1) {
		return faq{}, errors.New("`threshold` must be from 0 to 1")
	}
	return faq{time.Duration(c.TTL) * time.Second, c.Threshold}, nil
}

// Plan implements cache.Policy.
func (f faq) Plan(request sluicegate.Request, findings []sluicegate.Finding) (cache.Intention, error) {
	asked, single := question(request)
	if len(findings) > 0 || len(request.Tools) > 0 || !single || asked == "" {
		return cache.Bypass(), nil
	}
	return cache.LookUpByMeaning(asked, f.ttl, asked, f.threshold), nil
}

// Accept implements cache.Policy: two questions about different numbers are not the same, however alike they are.
func (f faq) Accept(request sluicegate.Request, candidate cache.Candidate) (bool, error) {
	asked, _ := question(request)
	return slices.Equal(numbers(asked), numbers(candidate.Question)), nil
}

// Admit implements cache.Policy.
func (f faq) Admit(_ sluicegate.Request, answer sluicegate.Answer, findings []sluicegate.Finding) (*cache.Admission, error) {
	said := slices.ContainsFunc(answer.Segments, func(s sluicegate.Segment) bool {
		return s.Channel == sluicegate.ChannelContent && strings.TrimSpace(s.Text) != ""
	})
	if len(findings) > 0 || answer.Finish != sluicegate.FinishStop || !said {
		return nil, nil
	}
	return cache.FreshFor(f.ttl), nil
}

// question gives what the person has asked, and whether it is the only thing.
func question(request sluicegate.Request) (asked string, single bool) {
	count := 0
	for _, s := range request.Segments {
		if s.Role == sluicegate.RoleUser && s.Channel == sluicegate.ChannelContent {
			asked = normalized(s.Text)
			count++
		}
	}
	return asked, count == 1
}

// normalized makes the same of questions that differ in case, white space and the signs at their end. Only ASCII counts.
func normalized(text string) string {
	var out strings.Builder
	for _, word := range strings.FieldsFunc(text, isSpace) {
		if out.Len() > 0 {
			out.WriteByte(' ')
		}
		out.WriteString(strings.Map(lower, word))
	}
	return strings.TrimRight(out.String(), "?!. ")
}

func isSpace(r rune) bool {
	return strings.ContainsRune(" \t\n\f\r", r)
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r + 'a' - 'A'
	}
	return r
}

func numbers(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
}
