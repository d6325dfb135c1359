// Tiers sends easy requests to small models and hard ones to large models, and answers greetings itself.
package main

import (
	_ "embed"
	"slices"
	"strings"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/router"
)

//go:embed config.schema.json
var schema string

type config struct {
	Small     string   `json:"small"`
	Large     string   `json:"large"`
	Tokens    int      `json:"tokens"`
	Greetings []string `json:"greetings"`
}

var plugin = &sluicegate.Plugin[config, tiers]{
	Name:         "tiers",
	Version:      "0.1.0",
	Summary:      "Sends easy requests to small models and hard ones to large models.",
	ConfigSchema: schema,
	Defaults:     defaults,
	Configure:    configure,
}

func init() { router.Serve(plugin) }
func main() {}

func defaults() config {
	return config{Small: "small", Large: "large", Tokens: 200, Greetings: []string{"hello", "hi"}}
}

type tiers struct {
	config
}

func configure(c config) (tiers, error) {
	for i, greeting := range c.Greetings {
		c.Greetings[i] = plain(greeting)
	}
	return tiers{c}, nil
}

// Route implements router.Router.
func (t tiers) Route(request sluicegate.Request, targets []router.Target) (router.Routing, error) {
	if text, asked := question(request); asked && slices.Contains(t.Greetings, plain(text)) {
		return router.Answer("Hello. What can I do for you?").WithIntent("greeting"), nil
	}
	wanted, intent := t.Small, "easy"
	if len(request.Tools) > 0 || request.TokensEstimate > t.Tokens {
		wanted, intent = t.Large, "hard"
	}
	asked := healthy(targets, wanted)
	if len(asked) == 0 {
		asked = healthy(targets, "")
	}
	routing := router.Targets(asked...)
	if len(asked) == 0 {
		routing = router.Unchanged()
	}
	if wanted == t.Small {
		routing = routing.Rejected(healthy(targets, t.Large)...)
	}
	return routing.WithIntent(intent), nil
}

// question gives the text that the person has written last, if there is one.
func question(request sluicegate.Request) (text string, asked bool) {
	for _, s := range slices.Backward(request.Segments) {
		if s.Role == sluicegate.RoleUser && s.Channel == sluicegate.ChannelContent {
			return s.Text, true
		}
	}
	return "", false
}

// healthy gives the indices of the healthy targets with a tag; of all, if there is none.
func healthy(targets []router.Target, tag string) []int {
	var indices []int
	for i, target := range targets {
		if target.Healthy && (tag == "" || slices.Contains(target.Tags, tag)) {
			indices = append(indices, i)
		}
	}
	return indices
}

// plain trims white space and lowers letters, of ASCII both.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, strings.Trim(text, " \t\n\f\r"))
}
