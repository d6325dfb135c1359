// Codename masks or refuses the names of what is not announced yet.
package main

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/textguardrail"
)

//go:embed config.schema.json
var schema string

type config struct {
	Names  []string `json:"names"`
	Refuse bool     `json:"refuse"`
}

var plugin = &sluicegate.Plugin[config, codename]{
	Name:         "codename",
	Version:      "0.1.0",
	Summary:      "Masks or refuses the names of projects that are not announced yet.",
	ConfigSchema: schema,
	Configure:    configure,
}

func init() { textguardrail.Serve(plugin) }
func main() {}

type codename struct {
	// names has the longest first.
	names  []string
	refuse bool
}

func configure(c config) (codename, error) {
	if len(c.Names) == 0 || slices.Contains(c.Names, "") {
		return codename{}, errors.New("`names` must hold at least one name, and no empty one")
	}
	slices.SortStableFunc(c.Names, func(a, b string) int { return len(b) - len(a) })
	return codename{c.Names, c.Refuse}, nil
}

// Inspect implements textguardrail.Guardrail.
func (c codename) Inspect(window textguardrail.Window) textguardrail.Verdict {
	spans, hold := c.scan(window)
	var edits []sluicegate.Edit
	var findings []sluicegate.Finding
	for _, span := range spans {
		edits = append(edits, sluicegate.Mask(span, "[codename]"))
		findings = append(findings, sluicegate.FindingAt("codename", span, 1))
	}
	verdict := textguardrail.Edit(edits...)
	if c.refuse && len(spans) > 0 {
		verdict = textguardrail.Deny("codename.blocked", "A code name must not be named here.")
	}
	return verdict.WithFindings(findings...).WithHold(hold)
}

// scan gives where names stand in what is not released yet, and how much of the end may be the beginning of one.
func (c codename) scan(window textguardrail.Window) (spans []sluicegate.Span, hold int) {
	text := window.Text
	for at := 0; at < len(text); {
		rest := text[at:]
		if !window.Final && c.mayBegin(rest) {
			return spans, len(rest)
		}
		name := c.at(rest)
		if name == "" {
			_, size := utf8.DecodeRuneInString(rest)
			at += size
			continue
		}
		if at+len(name) > window.Context {
			spans = append(spans, sluicegate.Span{Start: at, End: at + len(name)})
		}
		at += len(name)
	}
	return spans, 0
}

// mayBegin says whether more text could make a name of this rest.
func (c codename) mayBegin(rest string) bool {
	return slices.ContainsFunc(c.names, func(name string) bool {
		return len(rest) < len(name) && strings.HasPrefix(name, rest)
	})
}

// at gives the longest name that stands at the beginning.
func (c codename) at(rest string) string {
	for _, name := range c.names {
		if strings.HasPrefix(rest, name) {
			return name
		}
	}
	return ""
}
