// Does what the text says.
package main

import (
	"strings"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/textguardrail"
)

type config struct{}

var plugin = &sluicegate.Plugin[config, hostile]{
	Name:      "my-plugin",
	Version:   "0.1.0",
	Summary:   "Does what the text says.",
	Configure: func(config) (hostile, error) { return hostile{}, nil },
}

func init() { textguardrail.Serve(plugin) }
func main() {}

type hostile struct{}

func deep(text string) int { return deep(text) + len(text) }

// Inspect implements textguardrail.Guardrail.
func (hostile) Inspect(window textguardrail.Window) textguardrail.Verdict {
	does := func(word string) bool { return strings.Contains(window.Text, word) }
	if does("loop") {
		for {
		}
	}
	if does("memory") {
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	}
	if does("deep") {
		deep(window.Text)
	}
	if does("fail") {
		panic("on purpose: " + strings.Repeat("x", 100_000))
	}
	return textguardrail.Allow()
}
