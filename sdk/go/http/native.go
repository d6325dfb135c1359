//go:build !wasip1

package http

import "sync/atomic"

type service func(Request) (Response, error)

var answers atomic.Pointer[service]

// AnswerWith says what Send answers from now on; before that, and with nil, nobody is there. For tests.
func AnswerWith(answer func(Request) (Response, error)) {
	if answer == nil {
		answers.Store(nil)
		return
	}
	answers.Store((*service)(&answer))
}

func hostSend(request Request) (Response, error) {
	answer := answers.Load()
	if answer == nil {
		return Response{}, &Error{Case: ErrorUnavailable, Message: "nobody is there: say who answers with AnswerWith"}
	}
	return (*answer)(request)
}
