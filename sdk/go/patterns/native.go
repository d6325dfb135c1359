//go:build !wasip1

package patterns

import (
	"regexp"
	"sort"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
)

type hostSet []*regexp.Regexp

func compile(expressions []string) (hostSet, error) {
	var set hostSet
	for _, expression := range expressions {
		compiled, err := regexp.Compile(expression)
		if err != nil {
			return nil, err
		}
		set = append(set, compiled)
	}
	return set, nil
}

func (s hostSet) find(text string) []Match {
	var matches []Match
	for i, expression := range s {
		for _, place := range expression.FindAllStringIndex(text, -1) {
			matches = append(matches, Match{Expression: i, Span: sluicegate.Span{Start: place[0], End: place[1]}})
		}
	}
	sort.SliceStable(matches, func(i, j int) bool { return matches[i].Span.Start < matches[j].Span.Start })
	return matches
}

func (s hostSet) prefilter(tail string) error {
	_, err := regexp.Compile(tail)
	return err
}

// TailBytes gives the length of the longest end of a text that an expression matches as a whole. For tests.
func (s *Set) TailBytes(tail, text string) int {
	expression := regexp.MustCompile("(?:" + tail + `)\z`)
	expression.Longest()
	place := expression.FindStringIndex(text)
	if place == nil {
		return 0
	}
	return place[1] - place[0]
}
