//go:build !wasip1

package textguardrail

import (
	"slices"
	"strings"
	"unicode/utf8"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
)

// Streamed is what came of a stream.
type Streamed struct {
	// Released is what was let through.
	Released string
	// Denied is the code of the denial that ended it, if one did.
	Denied string
	// Findings are all, by their place in the whole text.
	Findings []sluicegate.Finding
	// HeldMax is the most bytes that were held back between two chunks.
	HeldMax int
}

// Stream shows a guardrail a text in chunks, as the host does: each window is up to contextBytes of what is decided, what was
// held back, and the new chunk. like gives the phase, the role and the channel. For tests.
//
// What comes of it does not depend on the chunks, if the guardrail holds back what it must. It panics when a verdict is
// one that the host refuses, and when the guardrail's prefilter lets pass what the guardrail would not.
func Stream(g Guardrail, like Window, chunks []string, contextBytes int) Streamed {
	var out Streamed
	var released strings.Builder
	text, decided := "", 0
	for i := range max(len(chunks), 1) {
		if i < len(chunks) {
			text += chunks[i]
		}
		start := max(decided-contextBytes, 0)
		for start < len(text) && !utf8.RuneStart(text[start]) {
			start++
		}
		window := like
		window.Text, window.Context, window.Final = text[start:], decided-start, i+1 >= len(chunks)
		verdict := seen(g, window)
		for _, f := range verdict.Findings {
			if f.Span != nil {
				f.Span = &sluicegate.Span{Start: f.Span.Start + start, End: f.Span.End + start}
			}
			out.Findings = append(out.Findings, f)
		}
		if denial, ok := verdict.Action.(ActionDeny); ok {
			out.Denied = denial.Value.Code
			break
		}
		decided = release(verdict, window, text, start, decided, &released)
		out.HeldMax = max(out.HeldMax, len(text)-decided)
	}
	out.Released = released.String()
	return out
}

// seen gives what the gateway makes of a window: the prefilter's verdict, or the guardrail's.
func seen(g Guardrail, window Window) Verdict {
	verdict := g.Inspect(window).Clamp(window.Text)
	p, ok := g.(Prefiltered)
	if !ok {
		return verdict
	}
	filter := p.Prefilter()
	if filter.Triggers == nil || !window.Final && filter.Tail == "" || len(filter.Triggers.Find(window.Text)) > 0 {
		return verdict
	}
	hold := 0
	if !window.Final {
		hold = min(filter.Triggers.TailBytes(filter.Tail, window.Text), len(window.Text)-window.Context)
	}
	_, allows := verdict.Action.(ActionAllow)
	if verdict.Action != nil && !allows || len(verdict.Findings) > 0 || !window.Final && verdict.Hold > hold {
		panic("the prefilter lets pass what the guardrail would not, or holds back less")
	}
	return Allow().WithHold(hold)
}

// release writes out what is decided, and gives its end in the whole text.
func release(v Verdict, window Window, text string, start, from int, out *strings.Builder) int {
	hold := v.Hold
	if window.Final {
		hold = 0
	}
	to := max(len(text)-hold, from)
	var edits []sluicegate.Edit
	if edit, ok := v.Action.(ActionEdit); ok {
		edits = append(edits, edit.Value...)
	}
	slices.SortStableFunc(edits, func(a, b sluicegate.Edit) int { return a.Span.Start - b.Span.Start })
	at := from
	for _, e := range edits {
		begin, end := e.Span.Start+start, e.Span.End+start
		if end <= from || begin >= to {
			continue
		}
		if end > to {
			to = max(begin, from)
			break
		}
		begin = max(begin, from)
		if begin < at {
			panic("edits overlap")
		}
		out.WriteString(text[at:begin])
		out.WriteString(e.Replacement)
		at = end
	}
	out.WriteString(text[at:to])
	return to
}
