// Package sluicegate is for writing plugins of Sluicegate in Go.
//
// A plugin is a main package that says what it is and serves one or more kinds:
//
//	package main
//
//	import (
//		sluicegate "github.com/sluicegate/sluicegate/sdk/go"
//		"github.com/sluicegate/sluicegate/sdk/go/textguardrail"
//	)
//
//	type config struct {
//		Word string `json:"word"`
//	}
//
//	var plugin = &sluicegate.Plugin[config, masker]{
//		Name:      "mask",
//		Version:   "0.1.0",
//		Summary:   "Masks one word.",
//		Defaults:  func() config { return config{Word: "Nightjar"} },
//		Configure: func(c config) (masker, error) { return masker{c.Word}, nil },
//	}
//
//	type masker struct{ word string }
//
//	func (m masker) Inspect(w textguardrail.Window) textguardrail.Verdict {
//		var edits []sluicegate.Edit
//		for _, span := range textguardrail.Spans(w.Text, m.word) {
//			edits = append(edits, sluicegate.Mask(span, "[MASKED]"))
//		}
//		return textguardrail.Edit(edits...).WithHold(textguardrail.Trailing(w.Text, m.word))
//	}
//
//	func init() { textguardrail.Serve(plugin) }
//	func main() {}
//
// `go tool sluicegate-build` makes a file of it that can be dropped into the gateway's plugin directory.
//
// The kinds are the packages textguardrail, requestguardrail, answerguardrail, router and cache. What the host does for
// every plugin is in log and patterns; what an installation must grant is in kv, clock, http, embedding and model. A plugin
// asks for what it uses of these, and for nothing else. Natively, under `go test`, each of them has a stand-in.
//
// Spans, lengths and holds are counted in bytes, as Go counts them. What an author gets wrong by cutting a character in
// two is mended: an edit then takes the whole character.
//
// The plugin is built once, by Configure; every call runs in a copy of it as it was then. So do the slow work there, and
// keep nothing from call to call in variables. There is no WASI: no files, no network, no environment. The package
// time has no real clock (see package clock), crypto/rand ends the plugin, math/rand gives the same numbers in each call, and what is
// printed goes nowhere (see package log).
//
// A panic is a failure of the plugin, and the gateway's log tells where it was. It tells the message too if that is a text of
// the program or the runtime's own; one that was put together may hold text of the exchange and is not shown.
package sluicegate

import (
	"errors"

	"github.com/sluicegate/sluicegate/sdk/go/internal/config"
	"github.com/sluicegate/sluicegate/sdk/go/internal/lifecycle"
)

// Plugin is what a plugin says of itself, and how it is made from a configuration. C is what the configuration is read
// into, P what does the work: it has the methods of the kinds that are served.
type Plugin[C, P any] struct {
	// Name is in lower case with hyphens.
	Name string
	// Version is a semantic version.
	Version string
	// Summary is one sentence for the list of plugins.
	Summary string
	// ConfigSchema is a JSON Schema of the configuration, which the host checks a configuration against first; nothing for
	// a plugin that does without. Each of its properties has a place in C, and its defaults count.
	ConfigSchema string
	// Defaults makes what the configuration is read over, for what has no default in ConfigSchema; nil stands for zero values.
	Defaults func() C
	// Configure builds the plugin. Its error is a sentence for the operator; the previous version of the plugin stays in
	// service then.
	Configure func(config C) (P, error)

	made  P
	ready bool
}

// New builds the plugin from a configuration in JSON. For tests; in the gateway the host does it. Nothing and an empty
// object both stand for what was not configured.
func (p *Plugin[C, P]) New(json string) (P, error) {
	var none P
	var read C
	if p.Defaults != nil {
		read = p.Defaults()
	}
	if err := config.Read(json, p.ConfigSchema, &read); err != nil {
		return none, err
	}
	return p.Configure(read)
}

// Made gives the plugin as it was configured. For the packages of the kinds.
func (p *Plugin[C, P]) Made() P {
	if !p.ready {
		panic("the plugin is used before it is configured")
	}
	return p.made
}

// Describe gives what the plugin says of itself. For the packages of the kinds.
func (p *Plugin[C, P]) Describe() lifecycle.Description {
	said := lifecycle.Description{Name: p.Name, Version: p.Version, Summary: p.Summary}
	if p.ConfigSchema != "" {
		said.ConfigSchema = &p.ConfigSchema
	}
	return said
}

// Install configures the plugin. For the packages of the kinds.
func (p *Plugin[C, P]) Install(json string) error {
	made, err := p.New(json)
	if err == nil {
		p.made, p.ready = made, true
	}
	return err
}

// Attribute is a name with a value.
type Attribute struct {
	Name, Value string
}

// SegmentEdit is an edit to one of several segments.
type SegmentEdit struct {
	// Segment is the id of the segment.
	Segment int
	Edit    Edit
}

// Mask replaces a span for good.
func Mask(span Span, replacement string) Edit {
	return Edit{Span: span, Replacement: replacement}
}

// Restore replaces a span, and gives the original back to the caller where the answer repeats the replacement. Put `{n}`
// into it, so that the host can make it unique.
func Restore(span Span, replacement string) Edit {
	return Edit{Span: span, Replacement: replacement, Restore: true}
}

// In makes an edit one of a segment, for guardrails that judge a request or an answer as a whole.
func (e Edit) In(segment Segment) SegmentEdit {
	return SegmentEdit{Segment: segment.ID, Edit: e}
}

// FindingAt is something noticed at a span, with a score from 0 to 1.
func FindingAt(rule string, span Span, score float32) Finding {
	return Finding{Rule: rule, Span: &span, Score: score}
}

// Deny is a refusal with a stable code and words for the caller.
func Deny(code, reason string) Denial {
	return Denial{Code: code, Reason: reason}
}

// Of gives the part of a text that the span is.
func (s Span) Of(text string) string {
	return text[s.Start:s.End]
}

// Error gives the message.
func (e *PluginError) Error() string {
	return e.Message
}

// Unsupported says that the input is of a form that this plugin does not handle.
func Unsupported(message string) error {
	return &PluginError{Case: PluginErrorUnsupported, Message: message}
}

// Unavailable says that something granted did not answer.
func Unavailable(message string) error {
	return &PluginError{Case: PluginErrorUnavailable, Message: message}
}

// AsPluginError gives an error as the host is told it: as it is, or with its message alone. For the packages of the kinds.
func AsPluginError(err error) PluginError {
	var said *PluginError
	if errors.As(err, &said) {
		return PluginError{Case: said.Case, Message: err.Error()}
	}
	return PluginError{Case: PluginErrorOther, Message: err.Error()}
}

// SaidLast gives what the person has said last, in one go. What the model and its tools have said since belongs to the
// same task.
func (r Request) SaidLast() []Segment {
	var last []Segment
	end := -1
	for i := len(r.Segments) - 1; i >= 0; i-- {
		s := r.Segments[i]
		if s.Channel != ChannelContent {
			continue
		}
		if s.Role == RoleUser {
			end = i
			last = append([]Segment{s}, last...)
		} else if end >= 0 {
			break
		}
	}
	return last
}
