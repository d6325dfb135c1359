package sluicegate

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Clamp gives the span within a text, grown to whole characters. The packages of the kinds do that to what an author
// gives back.
func (s Span) Clamp(text string) Span {
	start := min(max(s.Start, 0), len(text))
	end := min(max(s.End, start), len(text))
	return Span{Start: boundaryBefore(text, start), End: BoundaryAfter(text, end)}
}

// Clamp gives the edit within a text.
func (e Edit) Clamp(text string) Edit {
	e.Span = e.Span.Clamp(text)
	return e
}

// Clamp gives the finding within a text.
func (f Finding) Clamp(text string) Finding {
	if f.Span != nil {
		span := f.Span.Clamp(text)
		f.Span = &span
	}
	return f
}

// ClampEdits gives edits within the texts of their segments.
func ClampEdits(edits []SegmentEdit, segments []Segment) []SegmentEdit {
	texts := make(map[int]string, len(segments))
	for _, s := range segments {
		texts[s.ID] = s.Text
	}
	clamped := make([]SegmentEdit, len(edits))
	for i, e := range edits {
		clamped[i] = e
		if text, there := texts[e.Segment]; there {
			clamped[i].Edit = e.Edit.Clamp(text)
		}
	}
	return clamped
}

func boundaryBefore(text string, at int) int {
	for at > 0 && at < len(text) && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// BoundaryAfter gives the place itself, or the end of the character that it lies in.
func BoundaryAfter(text string, at int) int {
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	return at
}

// Apply applies edits to a text, as the host does. For tests: it panics where the host would refuse an edit.
func Apply(text string, edits []Edit) string {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return a.Span.Start - b.Span.Start })
	var out strings.Builder
	at := 0
	for _, e := range sorted {
		if e.Span.Start < at || e.Span != e.Span.Clamp(text) {
			panic("edits overlap, run backwards or lie inside a character")
		}
		out.WriteString(text[at:e.Span.Start])
		out.WriteString(e.Replacement)
		at = e.Span.End
	}
	out.WriteString(text[at:])
	return out.String()
}
