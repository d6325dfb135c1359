// Package cache is for plugins that decide what may be answered from memory. The host stores, finds and expires, and keeps
// tenants apart.
package cache

import (
	"math"
	"time"

	sluicegate "github.com/sluicegate/sluicegate/sdk/go"
	"github.com/sluicegate/sluicegate/sdk/go/internal/lifecycle"
)

// Policy decides what may be answered from memory. Findings are those of the guardrails.
type Policy interface {
	// Plan says where the answer to this request may be found. With an error, a model is asked.
	Plan(request sluicegate.Request, findings []sluicegate.Finding) (Intention, error)
	// Accept says whether a stored answer that was found by meaning is one to this request too.
	Accept(request sluicegate.Request, candidate Candidate) (bool, error)
	// Admit says for how long this answer may be kept; nil if it must not be.
	Admit(request sluicegate.Request, answer sluicegate.Answer, findings []sluicegate.Finding) (*Admission, error)
}

// Forever is an age that nothing reaches.
const Forever = time.Duration(math.MaxInt64)

var policy func() Policy

// Serve has the gateway ask a plugin what may be answered from memory. Call it in init.
func Serve[C any, P Policy](plugin *sluicegate.Plugin[C, P]) {
	policy = func() Policy { return plugin.Made() }
	lifecycle.Register(plugin, nil)
}

// These are what the host calls.

func plan(request sluicegate.Request, findings []sluicegate.Finding) (Intention, error) {
	return policy().Plan(request, findings)
}

func accept(request sluicegate.Request, candidate Candidate) (bool, error) {
	return policy().Accept(request, candidate)
}

func admit(request sluicegate.Request, answer sluicegate.Answer, findings []sluicegate.Finding) (*Admission, error) {
	return policy().Admit(request, answer, findings)
}

// Bypass has a model asked.
func Bypass() Intention {
	return IntentionBypass{}
}

// LookUp looks for an answer to a request with this key that is no older.
func LookUp(key string, ageMax time.Duration) Intention {
	return IntentionLookUp{Lookup{Key: key, AgeMax: ageMax}}
}

// LookUpByMeaning looks for an answer to a request with this key, or one to a question that means nearly the same as the text:
// threshold is the least cosine similarity.
func LookUpByMeaning(key string, ageMax time.Duration, text string, threshold float32) Intention {
	return IntentionLookUp{Lookup{Key: key, AgeMax: ageMax, ByMeaning: &ByMeaning{Text: text, Threshold: threshold}}}
}

// FreshFor keeps an answer for so long.
func FreshFor(ttl time.Duration) *Admission {
	return &Admission{TTL: ttl}
}
