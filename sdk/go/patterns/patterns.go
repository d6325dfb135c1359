// Package patterns has the host run regular expressions, at native speed.
//
// In the gateway they are in the syntax of the Rust crate regex. Natively, in tests, Go's package regexp runs them, which has
// the same syntax but for \b{start}, \d and \w beyond ASCII, and set operations in classes.
package patterns

import sluicegate "github.com/sluicegate/sluicegate/sdk/go"

// Set is a set of regular expressions.
type Set struct {
	set hostSet
}

// Match is a match of one expression of a set.
type Match struct {
	// Expression is its index in the set.
	Expression int
	// Span is where it matched.
	Span sluicegate.Span
}

// Compile compiles a set. Only in Configure.
func Compile(expressions ...string) (*Set, error) {
	set, err := compile(expressions)
	if err != nil {
		return nil, err
	}
	return &Set{set}, nil
}

// Find gives all matches, by start, then by expression; those of one expression do not overlap.
func (s *Set) Find(text string) []Match {
	return s.set.find(text)
}

// Prefilter tells the host what a text guardrail need not be called for. Package textguardrail calls it.
func (s *Set) Prefilter(tail string) error {
	return s.set.prefilter(tail)
}
