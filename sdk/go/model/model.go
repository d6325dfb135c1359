// Package model asks models that the operator named, through the gateway itself, for plugins whose installation has
// `[grants.model]`: to judge, to classify, to rewrite. What is asked and answered passes the guardrails, save those that
// may ask models.
//
// Natively, in tests, AnswerWith says what is answered.
package model

// Ask makes a prompt for one of the targets that are granted, with up to so many tokens for the answer.
func Ask(target, user string, outputTokensMax int) Prompt {
	return Prompt{Target: target, User: user, OutputTokensMax: outputTokensMax}
}

// WithSystem gives the same prompt, with what the model is told before.
func (p Prompt) WithSystem(system string) Prompt {
	p.System = &system
	return p
}

// WithAnswerSchema gives the same prompt, with a JSON Schema that the answer must satisfy.
func (p Prompt) WithAnswerSchema(schema string) Prompt {
	p.AnswerSchema = &schema
	return p
}

// Complete asks, and waits for the answer.
func (p Prompt) Complete() (string, error) {
	return hostComplete(p)
}
