// Package router is for plugins that decide who answers: which model, no model, or a person.
package router

import (
	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/lifecycle"
)

// Router decides who answers.
type Router interface {
	// Route says who is to answer this request. The first of the targets are those of the model asked for. With an error,
	// all stays as the operator configured it.
	Route(request sluicegate.Request, targets []Target) (Routing, error)
}

var router func() Router

// Serve has the gateway ask a plugin who answers. Call it in init.
func Serve[C any, R Router](plugin *sluicegate.Plugin[C, R]) {
	router = func() Router { return plugin.Made() }
	lifecycle.Register(plugin, nil)
}

// route is what the host calls.
func route(request sluicegate.Request, targets []Target) (Routing, error) {
	return router().Route(request, targets)
}

// Unchanged leaves it at what the operator configured, unless another router says something else.
func Unchanged() Routing {
	return Routing{Decision: DecisionUnchanged{}}
}

// Targets has these asked in this order, by their indices, and no others. None at all decide nothing.
func Targets(indices ...int) Routing {
	if len(indices) == 0 {
		return Unchanged()
	}
	return Routing{Decision: DecisionTargets{indices}}
}

// Answer answers with a text, without a model.
func Answer(text string) Routing {
	return Routing{Decision: DecisionAnswer{CannedAnswer{Text: text}}}
}

// Escalate has a person answer, one of those who see to the queue. The caller is told the text meanwhile, with a reference to
// come back with: where the text says `{reference}`, or else below it.
func Escalate(queue, text string) Routing {
	return Routing{Decision: DecisionEscalate{Escalation{Queue: queue, Text: text}}}
}

// Deny refuses, with a stable code and words for the caller.
func Deny(code, reason string) Routing {
	return Routing{Decision: DecisionDeny{sluicegate.Deny(code, reason)}}
}

// Rejected gives the same, but when a guardrail rejects an answer, these targets are asked, in this order.
func (r Routing) Rejected(indices ...int) Routing {
	r.OnRejection = indices
	return r
}

// WithIntent gives the same, with what the request was taken for.
func (r Routing) WithIntent(intent string) Routing {
	r.Intent = &intent
	return r
}

// WithFindings gives the same, with what was noticed.
func (r Routing) WithFindings(findings ...sluicegate.Finding) Routing {
	r.Findings = append(r.Findings[:len(r.Findings):len(r.Findings)], findings...)
	return r
}
