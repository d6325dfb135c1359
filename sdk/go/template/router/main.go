// {{summary}}
package main

import (
	"slices"
	"strings"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/router"
)

const schema = `{
	"type": "object",
	"additionalProperties": false,
	"properties": {
		"tag": {"description": "The tag of the targets that are good at code.", "type": "string", "default": "code"}
	}
}`

type config struct {
	Tag string `json:"tag"`
}

var plugin = &sluicegate.Plugin[config, codeRouter]{
	Name:         "{{name}}",
	Version:      "0.1.0",
	Summary:      "{{summary}}",
	ConfigSchema: schema,
	Defaults:     func() config { return config{Tag: "code"} },
	Configure:    func(c config) (codeRouter, error) { return codeRouter{c.Tag}, nil },
}

func init() { router.Serve(plugin) }
func main() {}

type codeRouter struct {
	tag string
}

// Route implements router.Router.
func (r codeRouter) Route(request sluicegate.Request, targets []router.Target) (router.Routing, error) {
	isCode := slices.ContainsFunc(request.SaidLast(), func(s sluicegate.Segment) bool { return strings.Contains(s.Text, "```") })
	if !isCode {
		return router.Unchanged(), nil
	}
	var able []int
	for i, target := range targets {
		if target.Healthy && slices.Contains(target.Tags, r.tag) {
			able = append(able, i)
		}
	}
	if len(able) == 0 {
		return router.Unchanged().WithIntent("code"), nil
	}
	return router.Targets(able...).WithIntent("code"), nil
}
