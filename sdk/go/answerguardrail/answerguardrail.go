// Package answerguardrail is for plugins that judge an answer as a whole, next to the request that it answers:
// groundedness, format, promises that should not be made.
package answerguardrail

import (
	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/lifecycle"
)

// Guardrail judges answers.
type Guardrail interface {
	// CheckAnswer gives the verdict on one answer. With an error, no verdict could be reached, and the operator's failure
	// mode applies.
	CheckAnswer(request sluicegate.Request, answer sluicegate.Answer) (Verdict, error)
}

var guardrail func() Guardrail

// Serve has the gateway call a plugin for answers. Call it in init.
func Serve[C any, G Guardrail](plugin *sluicegate.Plugin[C, G]) {
	guardrail = func() Guardrail { return plugin.Made() }
	lifecycle.Register(plugin, nil)
}

// check is what the host calls.
func check(request sluicegate.Request, answer sluicegate.Answer) (Verdict, error) {
	verdict, err := guardrail().CheckAnswer(request, answer)
	if edit, ok := verdict.Action.(ActionEdit); ok {
		verdict.Action = ActionEdit{sluicegate.ClampEdits(edit.Value, answer.Segments)}
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

// Edit changes texts of the answer. No edits at all is the same as Allow.
func Edit(edits ...sluicegate.SegmentEdit) Verdict {
	if len(edits) == 0 {
		return Allow()
	}
	return Verdict{Action: ActionEdit{edits}}
}

// Retry asks the model once more, with these words of correction added.
func Retry(correction string) Verdict {
	return Verdict{Action: ActionRetry{correction}}
}

// WithFindings gives the same verdict with findings.
func (v Verdict) WithFindings(findings ...sluicegate.Finding) Verdict {
	v.Findings = append(v.Findings[:len(v.Findings):len(v.Findings)], findings...)
	return v
}
