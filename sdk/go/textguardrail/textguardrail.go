// Package textguardrail is for plugins that inspect text wherever it flows: prompts, answers whole or streaming, tool
// arguments, tool results.
//
// Such a plugin must be a pure function of the configuration and the window: the host remembers verdicts.
package textguardrail

import (
	"strings"
	"unicode/utf8"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/lifecycle"
	"github.com/sluicegate/sluicegate/sdk/go/patterns"
)

// Guardrail inspects texts.
type Guardrail interface {
	// Inspect gives the verdict on one window.
	Inspect(window Window) Verdict
}

// Prefiltered is a guardrail of which most text is no concern: the gateway looks for a few expressions in a tenth of the
// time that a call takes.
type Prefiltered interface {
	Guardrail
	// Prefilter says what the gateway may let pass without a call. It must be what Inspect would have said.
	Prefilter() Prefilter
}

// Prefilter is what a guardrail need not be called for: a window in which none of the triggers matches is allowed, without
// findings.
type Prefilter struct {
	Triggers *patterns.Set
	// Tail lets windows pass that are not final too, and holds back the longest end that this expression matches as a
	// whole. Without it, only final windows are let pass.
	Tail string
}

var guardrail func() Guardrail

// Serve has the gateway call a plugin for texts. Call it in init.
func Serve[C any, G Guardrail](plugin *sluicegate.Plugin[C, G]) {
	guardrail = func() Guardrail { return plugin.Made() }
	lifecycle.Register(plugin, func() error {
		if g, ok := guardrail().(Prefiltered); ok {
			return install(g.Prefilter())
		}
		return nil
	})
}

func install(p Prefilter) error {
	if p.Triggers == nil {
		return nil
	}
	return p.Triggers.Prefilter(p.Tail)
}

// inspect is what the host calls.
func inspect(windows []Window) ([]Verdict, error) {
	g := guardrail()
	verdicts := make([]Verdict, len(windows))
	for i, window := range windows {
		verdicts[i] = g.Inspect(window).Clamp(window.Text)
	}
	return verdicts, nil
}

// Request is a whole text that a user sends. For tests.
func Request(text string) Window {
	return Window{Phase: sluicegate.PhaseRequest, Role: sluicegate.RoleUser, Channel: sluicegate.ChannelContent, Text: text, Final: true}
}

// Answer is a whole text that a model answered. For tests.
func Answer(text string) Window {
	return Window{Phase: sluicegate.PhaseAnswer, Role: sluicegate.RoleAssistant, Channel: sluicegate.ChannelContent, Text: text, Final: true}
}

// Allow finds nothing to object to.
func Allow() Verdict {
	return Verdict{Action: ActionAllow{}}
}

// Deny refuses, with a stable code and words for the caller.
func Deny(code, reason string) Verdict {
	return Verdict{Action: ActionDeny{sluicegate.Deny(code, reason)}}
}

// Edit changes the text. No edits at all is the same as Allow.
func Edit(edits ...sluicegate.Edit) Verdict {
	if len(edits) == 0 {
		return Allow()
	}
	return Verdict{Action: ActionEdit{edits}}
}

// WithFindings gives the same verdict with findings.
func (v Verdict) WithFindings(findings ...sluicegate.Finding) Verdict {
	v.Findings = append(v.Findings[:len(v.Findings):len(v.Findings)], findings...)
	return v
}

// WithHold gives the same verdict, holding that many bytes at the end back until more text follows.
func (v Verdict) WithHold(bytes int) Verdict {
	v.Hold = bytes
	return v
}

// Clamp gives the verdict with all that it says about a text within that, in whole characters: more is held back or
// edited rather than less. The host's call does that to every verdict.
func (v Verdict) Clamp(text string) Verdict {
	if edit, ok := v.Action.(ActionEdit); ok {
		edits := make([]sluicegate.Edit, len(edit.Value))
		for i, e := range edit.Value {
			edits[i] = e.Clamp(text)
		}
		v.Action = ActionEdit{edits}
	}
	for i, f := range v.Findings {
		v.Findings[i] = f.Clamp(text)
	}
	hold := sluicegate.Span{Start: len(text) - min(max(v.Hold, 0), len(text)), End: len(text)}.Clamp(text)
	v.Hold = hold.End - hold.Start
	return v
}

// Trailing gives how many bytes at the end of a text may be the beginning of one of these words: the hold of a guardrail
// that looks for them. A word that stands there as a whole is not held back, but for a longer one that begins with it.
func Trailing(text string, words ...string) int {
	longest := 0
	for _, word := range words {
		for held := min(len(word)-1, len(text)); held > longest; held-- {
			if strings.HasSuffix(text, word[:held]) {
				longest = held
			}
		}
	}
	// A word may be cut inside a character; a text is not.
	start := len(text) - longest
	for start > 0 && start < len(text) && !utf8.RuneStart(text[start]) {
		start--
	}
	return len(text) - start
}

// TrailingRun gives how many bytes at the end of a text are characters that belong to a match, at most bytesMax.
func TrailingRun(text string, bytesMax int, belongs func(rune) bool) int {
	held := 0
	for held < len(text) {
		r, size := utf8.DecodeLastRuneInString(text[:len(text)-held])
		if !belongs(r) || held+size > bytesMax {
			break
		}
		held += size
	}
	return held
}

// Spans gives where a word stands in a text.
func Spans(text, word string) []sluicegate.Span {
	var spans []sluicegate.Span
	for at := 0; word != ""; {
		next := strings.Index(text[at:], word)
		if next < 0 {
			break
		}
		spans = append(spans, sluicegate.Span{Start: at + next, End: at + next + len(word)})
		at += next + len(word)
	}
	return spans
}
