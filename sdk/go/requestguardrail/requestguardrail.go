// Package requestguardrail is for plugins that judge a request as a whole: its scope, its intent, its tools, its size.
package requestguardrail

import (
	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/lifecycle"
)

// Guardrail judges requests.
type Guardrail interface {
	// CheckRequest gives the verdict on one request. With an error, no verdict could be reached, and the operator's failure
	// mode applies.
	CheckRequest(request sluicegate.Request) (Verdict, error)
}

var guardrail func() Guardrail

// Serve has the gateway call a plugin for requests. Call it in init.
func Serve[C any, G Guardrail](plugin *sluicegate.Plugin[C, G]) {
	guardrail = func() Guardrail { return plugin.Made() }
	lifecycle.Register(plugin, nil)
}

// check is what the host calls.
func check(request sluicegate.Request) (Verdict, error) {
	verdict, err := guardrail().CheckRequest(request)
	if edit, ok := verdict.Action.(ActionEdit); ok {
		verdict.Action = ActionEdit{sluicegate.ClampEdits(edit.Value, request.Segments)}
	}
	return verdict, err
}

// Allow finds nothing to object to.
func Allow() Verdict {
	return Verdict{Action: ActionAllow{}}
}

// Deny refuses, with a stable code and words for the caller.
func Deny(code, reason string) Verdict {
	return Verdict{Action: ActionDeny{sluicegate.Deny(code, reason)}}
}

// Edit changes texts of the request. No edits at all is the same as Allow.
func Edit(edits ...sluicegate.SegmentEdit) Verdict {
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
