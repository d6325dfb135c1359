package model

import "testing"

func TestNativelyATestSaysWhatIsAnswered(t *testing.T) {
	defer AnswerWith(nil)
	prompt := Ask("judge", "Is it safe?", 5).WithSystem("Be brief.").WithAnswerSchema("{}")
	if _, err := prompt.Complete(); err == nil {
		t.Error("somebody answers")
	}
	AnswerWith(func(p Prompt) (string, error) { return *p.System + p.User + *p.AnswerSchema, nil })
	if got, err := prompt.Complete(); got != "Be brief.Is it safe?{}" || err != nil {
		t.Error(got, err)
	}
}
